"""What arbiter, template and worker have in memory: no module that only a command line needs.

A module here costs each process that stays, and each start.  The arbiter and the template are
looked at when they fork, by a callback that a `sitecustomize` of the test registers: a config file
with a hook would have modules of its own loaded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import fastfork
from tests.conftest import Starter
from tests.kit.processes import alive
from tests.kit.server import RunningServer, environment
from tests.kit.waiting import wait_until

AT_FORK = """
import os, sys
def tell():
    with open(os.path.join(os.environ["MODULES_OF"], str(os.getpid())), "w") as file:
        file.write("\\n".join(sys.modules))
os.register_at_fork(before=tell)
"""

# Of the standard library.  What a name begins with counts: `email` is also email.message.
LIBRARY = (
    "argparse", "ast", "asyncio", "bz2", "concurrent", "configparser", "csv", "ctypes",
    "dataclasses", "difflib", "dis", "email", "encodings.idna", "getopt", "gettext", "glob", "grp",
    "hashlib", "html", "http", "importlib.metadata", "importlib.resources", "inspect", "ipaddress",
    "json", "locale", "logging.config", "logging.handlers", "lzma", "multiprocessing", "optparse",
    "pathlib", "pickle", "platform", "pwd", "random", "shlex", "shutil", "ssl", "_ssl",
    "stringprep", "subprocess", "tempfile", "tomllib", "urllib", "uuid", "zipfile",
)  # fmt: skip
OURS = (
    "fastfork.arbiter.forking.forkserver_process", "fastfork.arbiter.helpers.reload_process",
    "fastfork.cli.completion", "fastfork.cli.configure", "fastfork.cli.exitcodes",
    "fastfork.cli.facts", "fastfork.cli.helptext", "fastfork.cli.parser", "fastfork.cli.report",
    "fastfork.cli.status", "fastfork.cli.signal_command", "fastfork.config.explain",
    "fastfork.config.sources.file", "fastfork.config.sources.foreign",
    "fastfork.config.sources.options", "fastfork.config.sources.tomlfile",
    "fastfork.config.template", "fastfork.embed", "fastfork.http.reading",
    "fastfork.logs.base.syslog", "fastfork.metrics.admin.app", "fastfork.metrics.admin.page",
    "fastfork.metrics.prometheus", "fastfork.metrics.statsd", "fastfork.net.tls",
    "fastfork.process.daemon", "fastfork.testing", "fastfork.wsgi.hints", "fastfork.wsgi.names",
)  # fmt: skip
# What a template is asked for comes pickled.
WITH_TEMPLATE = frozenset({"pickle", "fastfork.arbiter.forking.forkserver_process"})


@cache
def always_there() -> frozenset[str]:
    """What this interpreter and its environment load by themselves, and httptools and logging."""
    code = "import logging, socket, sys, httptools; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(ran.stdout.split())


def forbidden(loaded: str, also: frozenset[str] = frozenset()) -> list[str]:
    """The modules of the list that are among these, which are separated by white space."""
    return [
        name
        for name in loaded.split()
        for one in (*LIBRARY, *OURS)
        if (name == one or name.startswith(f"{one}.")) and one not in also | always_there()
    ]


def start(start_server: Starter, folder: Path, *options: str) -> RunningServer:
    (folder / "sitecustomize.py").write_text(AT_FORK)
    paths = f"{folder}{os.pathsep}{environment({})['PYTHONPATH']}"
    env = {"PYTHONPATH": paths, "MODULES_OF": str(folder)}
    return start_server("loaded:app", *options, workers=1, env=env)


def at_fork(server: RunningServer, folder: Path, pid: int) -> str:
    """What the process had when it forked a second worker."""
    path = folder / str(pid)
    path.unlink(missing_ok=True)
    server.signal("more")
    wait_until(lambda: len(server.worker_pids()) == 2, "a second worker is there")
    return path.read_text()


@pytest.mark.parametrize(
    "options",
    [(), ("--threads", "2"), ("--http-parser", "native")],
    ids=lambda given: "".join(given),
)
def test_arbiter_and_worker_have_no_module_that_serving_does_not_need(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...]
) -> None:
    server = start(start_server, tmp_path, *options)
    assert forbidden(server.get("/").text) == []
    assert forbidden(at_fork(server, tmp_path, server.pid)) == []


def test_compiled_modules_that_every_worker_has_are_in_one_file(start_server: Starter) -> None:
    server = start_server("loaded:app", workers=1)
    server.get("/")
    for pid in (server.pid, *server.worker_pids()):
        found = re.findall(r"/_core/(\w+)\.", Path(f"/proc/{pid}/maps").read_text())
        assert set(found) == {"together"}


def test_template_and_its_workers_have_none_either(start_server: Starter, tmp_path: Path) -> None:
    server = start(start_server, tmp_path, "--preload")
    assert forbidden(server.get("/").text, WITH_TEMPLATE) == []
    have_forked = {int(path.name) for path in tmp_path.iterdir() if path.name.isdecimal()}
    (template,) = set(filter(alive, have_forked)) - {server.pid, *server.worker_pids()}
    assert forbidden(at_fork(server, tmp_path, template), WITH_TEMPLATE) == []
    assert forbidden((tmp_path / str(server.pid)).read_text(), WITH_TEMPLATE) == []


CONFIG = """
bind = "127.0.0.1:0"
certfile = None
def when_ready(server):
    pass
"""


def test_module_that_the_arbiter_has_says_so(start_server: Starter, tmp_path: Path) -> None:
    """Also those that read the settings anew."""
    conf = tmp_path / "fastfork.conf.py"
    conf.write_text(CONFIG)
    server = start(start_server, tmp_path, "-c", str(conf))
    server.signal("reload")
    wait_until(lambda: "Reload complete" in server.log.text(), "the reload is complete")
    wait_until(lambda: len(server.worker_pids()) == 1, "the old worker has left")
    loaded = at_fork(server, tmp_path, server.pid).split()
    assert "fastfork.config.sources.file" in loaded
    root = Path(fastfork.__file__).parent
    wrong = []
    for name in loaded:
        path = root.joinpath(*name.split(".")[1:])
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name.startswith("fastfork") and path.exists():
            (where,) = re.findall(r"^Runs in: (.+)$", path.read_text(), re.MULTILINE)
            wrong += (
                [f"{name}: {where}"] if where.startswith("cli") and "arbiter" not in where else []
            )
    assert not wrong, "\n".join(wrong)


def test_version_is_told_without_the_settings() -> None:
    code = (
        "import sys; sys.argv = ['fastfork', '--version']\n"
        "from fastfork.cli.main import main; main(); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, loaded = ran.stdout.splitlines()
    assert version.startswith("fastfork (version ")
    assert "fastfork.config" not in loaded.split()
    assert forbidden(loaded) == []
