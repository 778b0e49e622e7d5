"""Ten mistakes of a newcomer: one clear line each, and the documented exit code.

The real program runs, as `fastfork` and as `python -m fastfork`, with and without a config file.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fastfork.cli.exitcodes import EXIT_CODES
from tests.kit.programs import program
from tests.kit.server import environment

# Beside the interpreter: pip puts the command there.
COMMAND = Path(sys.executable).with_name("fastfork")
WAYS = {"fastfork": [str(COMMAND)], "python -m fastfork": [sys.executable, "-m", "fastfork"]}
SHOP = """\
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
number = 3
"""
# Raises in a function of the user's, which the user wants to see.
BROKEN = """\
import os
def connect():
    return os.environ["DATABASE_URL_OF_NOBODY"]
db = connect()
def app(environ, start_response): return []
"""
LOG_TIME = re.compile(r"^\[\S+ \S+ \S+\] \[\d+\] \[(\w+)\] ")
# What the arbiter says when no worker could start, after the line of the worker.
CONSEQUENCES = (
    "Worker exited with code ",
    "Stopping: no worker could start. Reason: ",
    "Stopped (exit code ",
)


@dataclass(frozen=True)
class Mistake:
    """words: the command line.  said: the one line.  code: the exit code."""

    words: Sequence[str]
    said: str
    code: int
    config: str = ""


MISTAKES = {
    "wrong module": Mistake(["shpo:app"], "no module named 'shpo'; did you mean shop:app?", 4),
    "missing attribute": Mistake(
        ["shop:ap"], "module 'shop' has no attribute 'ap'; did you mean shop:app?", 4
    ),
    "file instead of module": Mistake(
        ["shop.py"], "'shop.py' is a file, not a module; did you mean shop:app?", 4
    ),
    "not callable": Mistake(
        ["shop:number"],
        "shop:number is of type int; a WSGI application is called as app(environ, start_response)",
        4,
    ),
    "bad bind": Mistake(
        ["-b", "localhost:99999", "shop:app"],
        "bind: 'localhost:99999' has the port '99999'; write a number from 0 to 65535, such as "
        "8000 (command line)",
        1,
    ),
    "address of another machine": Mistake(
        ["-b", "192.0.2.1:8000", "shop:app"],
        "bind: http://192.0.2.1:8000: this machine has no address 192.0.2.1; use 0.0.0.0 for all",
        1,
    ),
    "unknown option": Mistake(
        ["--wokers", "2", "shop:app"], "there is no option --wokers; did you mean --workers?", 2
    ),
    "uvicorn's --port": Mistake(
        ["--port", "9000", "shop:app"],
        "there is no option --port; write -b 127.0.0.1:9000, or -b 0.0.0.0:9000 for all addresses",
        2,
    ),
    "uvicorn's --host": Mistake(
        ["--host", "0.0.0.0", "shop:app"], "there is no option --host; write -b 0.0.0.0:8000", 2
    ),
    "uvicorn's --host and --port": Mistake(
        ["--host=0.0.0.0", "--port=9000", "shop:app"],
        "there is no option --host; write -b 0.0.0.0:9000",
        2,
    ),
    "flask's --debug": Mistake(
        ["--debug", "shop:app"],
        "there is no option --debug; write --reload, and --log-level debug for a talkative log",
        2,
    ),
    "eventlet": Mistake(
        ["-k", "eventlet", "shop:app"],
        "worker_class: 'eventlet' is not a kind of worker here; use gevent, which serves "
        "applications that wait for others in the same way (command line)",
        1,
    ),
    "Django's project": Mistake(
        ["project"],
        "module 'project' has no attribute 'application'; did you mean project.wsgi?",
        4,
    ),
    "file of a factory": Mistake(
        ["./factory.py:create_app"],
        "'./factory.py' is a file, not a module; did you mean 'factory:create_app()'?",
        4,
    ),
    "factory without parentheses": Mistake(
        ["factory:create_app"],
        "factory:create_app takes no arguments, so it is a factory; write 'factory:create_app()'",
        4,
    ),
    "ASGI application": Mistake(
        ["asynchronous:app"],
        "asynchronous:app is an ASGI application (it is called with scope, receive and send), and "
        "this worker serves WSGI; give the option -k asgi",
        4,
    ),
    "no application": Mistake(
        [],
        "no application named; write MODULE:APP, such as shop:app (fastfork --help lists the "
        "options)",
        2,
    ),
    "application that raises": Mistake(
        ["broken:app"], "broken cannot be imported: KeyError: 'DATABASE_URL_OF_NOBODY'", 3
    ),
    "bad value in the config file": Mistake(
        ["shop:app"],
        "workers: 'many' is not an integer; write a whole number from 1 to 1024 "
        "({folder}/fastfork.conf.py line 1)",
        1,
        config="workers = 'many'\n",
    ),
    "wrong module in the config file": Mistake(
        [], "no module named 'shpo'; did you mean shop:app?", 4, config="wsgi_app = 'shpo:app'\n"
    ),
    "bad bind in the config file": Mistake(
        ["shop:app"],
        "bind: '8000' is a port without a host; write 127.0.0.1:8000 or 0.0.0.0:8000 "
        "({folder}/fastfork.conf.py line 1)",
        1,
        config="bind = '8000'\n",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the newcomer's files are."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "factory.py").write_text("def create_app(): return None\n")
    (tmp_path / "asynchronous.py").write_text("async def app(scope, receive, send): pass\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "__init__.py").write_text("")
    (tmp_path / "project" / "wsgi.py").write_text(SHOP.replace("def app", "def application"))
    return tmp_path


def run(folder: Path, command: Sequence[str]) -> tuple[int, list[str]]:
    """The exit code of a command, and the lines that are not said by every start."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == ""
    lines = []
    for line in done.stderr.splitlines():
        level = LOG_TIME.match(line)
        text = LOG_TIME.sub("", line)
        if (level is None or level[1] != "INFO") and not text.startswith(CONSEQUENCES):
            lines.append(text.removeprefix("fastfork: "))
    return done.returncode, lines


def check(mistake: Mistake, folder: Path, command: Sequence[str]) -> None:
    if mistake.config:
        (folder / "fastfork.conf.py").write_text(mistake.config)
    bind = [] if mistake.code == 2 or "-b" in mistake.words else ["--bind", "127.0.0.1:0"]
    if "bind" in mistake.config or not (mistake.words or mistake.config):
        bind = []
    code, lines = run(folder, [*command, *bind, *mistake.words])
    assert lines[:1] == [mistake.said.format(folder=folder)]
    if mistake.code == 3:
        frames = [line for line in lines[1:] if line.startswith("  File ")]
        assert f'"{folder}/broken.py", line 4, in <module>' in frames[0]
        assert f'"{folder}/broken.py", line 3, in connect' in frames[1]
        assert not [frame for frame in frames if "fastfork" in frame or "importlib" in frame]
    else:
        assert len(lines) == 1
    assert code == mistake.code
    assert code in EXIT_CODES


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_one_clear_line_and_its_exit_code(name: str, way: str, folder: Path) -> None:
    if way == "fastfork" and not COMMAND.exists():
        pytest.skip("fastfork is not installed")
    check(MISTAKES[name], folder, WAYS[way])


def test_port_in_use_is_one_clear_line_and_exit_code_1(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        where = f"127.0.0.1:{other.getsockname()[1]}"
        code, lines = run(folder, [*WAYS["python -m fastfork"], "-b", where, "shop:app"])
    assert lines[:4] == [
        f"http://{where} is in use; trying again ({number} of 5)" for number in range(1, 5)
    ]
    assert lines[4:] == [
        f"bind: http://{where} is in use; stop the program that listens there or choose another"
    ]
    assert code == 1


def test_privileged_port_of_an_ordinary_user_is_one_clear_line(folder: Path) -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if lowest <= 80:
        pytest.skip("everybody may listen at port 80 here")
    command = [*WAYS["python -m fastfork"], "-b", "127.0.0.1:80", "shop:app"]
    if os.geteuid() == 0:  # root without that right is refused as anybody, and may read our files
        command = [program("setpriv"), "--bounding-set", "-net_bind_service", *command]
    code, lines = run(folder, command)
    assert lines == [
        "bind: http://127.0.0.1:80: ports below 1024 need root or CAP_NET_BIND_SERVICE; use 8000"
    ]
    assert code == 1


@pytest.mark.parametrize("config", ["", "certfile = 'server.pem'\n"])
def test_certificate_is_one_clear_line(folder: Path, config: str) -> None:
    words = [] if config else ["--certfile", "server.pem"]
    if config:
        (folder / "fastfork.conf.py").write_text(config)
    code, lines = run(
        folder, [*WAYS["python -m fastfork"], "-b", "127.0.0.1:0", *words, "shop:app"]
    )
    assert len(lines) == 1
    assert lines[0].startswith(
        "certfile: 'server.pem' cannot be read: No such file or directory; write the path of a PEM "
    )
    assert code == 1


def test_what_the_page_of_exit_codes_says_is_what_is_said() -> None:
    """Each line there begins as one that is tested above."""
    tested = [mistake.said for mistake in MISTAKES.values()]
    also = (
        "http://127.0.0.1:8000 is in use",
        "ports below 1024 need root",
        "has the key of another certificate than",  # test_tls_certificates.py
    )
    for row in EXIT_CODES.values():
        for _, line in row.mistakes:
            variable = line.replace("shop cannot", "broken cannot").partition(": KeyError")[0]
            assert [one for one in tested if one.startswith(variable)] or any(
                part in line for part in also
            ), line
