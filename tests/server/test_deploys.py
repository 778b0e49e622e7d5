"""Deploys by a symbolic link: releases beside each other, and a link that is switched.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.log import Log
from tests.kit.programs import library
from tests.kit.server import environment
from tests.kit.waiting import wait_until

if TYPE_CHECKING:
    from tests.kit.tls import Authority

SHOP = """
import sys
from pathlib import Path
import stock
VERSION = {version!r}
def app(environ, start_response):
    body = f"{{VERSION}} {{stock.VERSION}} {{Path.cwd().name}}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
# `cd current && fastfork`, as a shell does it: $PWD names the link.
IN_SHELL = 'cd "$1" && shift && exec "$@"'


class Site:
    """A directory with releases and the link to one of them, and the server that started there."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.link = top / "current"
        self.log = Log(top / "server.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.release("v1")
        self.link.symlink_to(top / "v1")

    def release(self, version: str) -> Path:
        """Make one."""
        folder = self.top / version
        (folder / "lib").mkdir(parents=True)
        (folder / "shop.py").write_text(SHOP.format(version=version))
        (folder / "lib" / "stock.py").write_text(f"VERSION = {version!r}\n")
        (folder / "fastfork.conf.py").write_text("pythonpath = 'lib'\n")
        return folder

    def switch(self, version: str) -> None:
        """Let the link lead to another release, in one step as deploy tools do."""
        aside = self.top / "next"
        aside.symlink_to(self.top / version)
        aside.rename(self.link)

    def start(self, *options: str, program: tuple[str, ...] = ()) -> None:
        """`cd current && fastfork OPTIONS shop:app`, and wait until it answers."""
        run = program or (sys.executable, "-m", "fastfork")
        command = [*run, "-b", f"127.0.0.1:{self.port}", *options, "shop:app"]
        with self.log.path.open("ab") as output:
            self.process = subprocess.Popen(
                ["sh", "-c", IN_SHELL, "sh", str(self.link), *command],
                env=environment({}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if "--error-logfile" in options:
            self.log = Log(self.link / options[options.index("--error-logfile") + 1])
            wait_until(self.log.path.exists, "the log is there", 30)
        self.log.wait_for("Worker ready", timeout=30)

    @property
    def port(self) -> int:
        if not hasattr(self, "_port"):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._port: int = probe.getsockname()[1]
        return self._port

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def reload(self, count: int = 1) -> None:
        os.kill(self.pid, signal.SIGHUP)
        self.log.wait_for("Reload complete", count=count)

    def get(self) -> str:
        with RawClient(("127.0.0.1", self.port)) as client:
            return client.request("GET", "/", [("Connection", "close")]).text

    def answers(self, text: str) -> None:
        """Wait until that is the answer: an old worker may serve whom it has let in."""
        wait_until(lambda: self.get() == text, f"the answer is {text}")

    def workers(self) -> list[int]:
        templates = set(map(int, re.findall(r"Template .*\(pid: (\d+)\)", self.log.text())))
        return [pid for pid in processes.children(self.pid) if pid not in templates]

    def replaced(self) -> str:
        """Kill the worker; what the next one answers."""
        ready = self.log.text().count("Worker ready")
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)
        self.log.wait_for("Worker ready", count=ready + 1)
        return self.get()

    def stop(self) -> None:
        if self.process is None:
            return
        self.end(signal.SIGTERM)
        try:
            self.process.wait(20)
            wait_until(lambda: not processes.in_session(self.pid), "nobody is left")
        finally:
            self.end(signal.SIGKILL)

    def end(self, signum: int) -> None:
        """Signal every process of the server's."""
        for pid in processes.in_session(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)


@pytest.fixture
def site(server_files: Path) -> Iterator[Site]:
    made = Site(server_files)
    yield made
    made.stop()


KINDS: dict[str, tuple[str, ...]] = {
    "sync": (),
    "threads": ("--threads", "2"),
    "gevent": ("-k", "gevent"),
    "preload": ("--preload",),
}


@pytest.mark.parametrize("kind", KINDS)
def test_reload_follows_the_link_and_old_releases_may_go(site: Site, kind: str) -> None:
    if kind == "gevent":
        library("gevent")
    site.start(*KINDS[kind])
    assert site.get() == "v1 v1 v1"
    site.release("v2")
    site.switch("v2")
    site.reload()
    site.answers("v2 v2 v2")
    site.release("v3")
    site.switch("v3")
    shutil.rmtree(site.top / "v1")
    shutil.rmtree(site.top / "v2")
    site.reload(count=2)
    site.answers("v3 v3 v3")
    assert site.replaced() == "v3 v3 v3"


def test_module_that_a_new_release_does_not_have_is_not_taken_from_the_old_one(site: Site) -> None:
    site.start()
    site.release("v2")
    (site.top / "v2" / "lib" / "stock.py").unlink()
    site.switch("v2")
    os.kill(site.pid, signal.SIGHUP)
    site.log.wait_for("Reload ended: the replacement did not start")
    assert site.get() == "v1 v1 v1"


def named(place: str) -> Callable[[Site], tuple[str, ...]]:
    return lambda site: ("-c", place.format(link=site.link))


@pytest.mark.parametrize(
    "options",
    [lambda _site: (), named("fastfork.conf.py"), named("{link}/fastfork.conf.py")],
    ids=["found", "relative", "absolute"],
)
def test_config_file_of_the_new_release_is_read(
    site: Site, options: Callable[[Site], tuple[str, ...]]
) -> None:
    site.start(*options(site), "--pid", "server.pid", "--error-logfile", "error.log")
    assert (site.link / "server.pid").read_text() == f"{site.pid}\n"
    (site.release("v2") / "helpful.py").write_text("HELP = 2\n")
    (site.top / "v2" / "fastfork.conf.py").write_text(
        "import helpful\npythonpath = 'lib'\ntimeout = 20 + helpful.HELP\n"
    )
    site.switch("v2")
    os.kill(site.pid, signal.SIGHUP)
    wait_until(site.log.path.exists, "the log is in the new release")
    site.log.wait_for("Reload complete")
    site.answers("v2 v2 v2")
    # Files that the server writes are where the link leads, and one is not left behind.
    assert (site.top / "v2" / "server.pid").read_text() == f"{site.pid}\n"
    assert not (site.top / "v1" / "server.pid").exists()


def test_upgrade_starts_in_the_new_release(site: Site) -> None:
    site.start()
    site.release("v2")
    site.switch("v2")
    shutil.rmtree(site.top / "v1")
    os.kill(site.pid, signal.SIGUSR2)
    line = site.log.wait_for("Upgrading; the new arbiter is process")
    site.log.wait_for("Worker ready", count=2, timeout=30)
    os.kill(site.pid, signal.SIGTERM)
    assert site.process is not None
    site.process.wait(20)
    assert site.get() == "v2 v2 v2"
    os.kill(int(line.split()[-1]), signal.SIGTERM)


def test_certificates_of_the_new_release_are_used(site: Site, authority: Authority) -> None:
    pairs = {version: authority.issue(version) for version in ("v1", "v2")}
    site.release("v2")
    for version, pair in pairs.items():
        shutil.copy(pair.certificate, site.top / version / "cert.pem")
        shutil.copy(pair.key, site.top / version / "key.pem")
    site.start("--certfile", "cert.pem", "--keyfile", "key.pem")

    def shown() -> str:
        """Whose certificate a client is shown."""
        found = ssl.get_server_certificate(("127.0.0.1", site.port))
        return next(name for name, pair in pairs.items() if found in pair.certificate.read_text())

    assert shown() == "v1"
    site.switch("v2")
    site.reload()
    wait_until(lambda: shown() == "v2", "the certificate is the new one")


def test_switched_link_is_a_change_of_the_code(site: Site) -> None:
    site.start("--reload", "--reload-engine", "poll")
    site.log.wait_for("Watching the code")
    site.release("v2")
    site.switch("v2")
    wait_until(lambda: site.get() == "v2 v2 v2", "the new release answers")


def test_variable_of_another_place_is_not_believed(site: Site) -> None:
    other = site.release("v2")
    run = f'PWD={other} exec {sys.executable} -m fastfork "$@"'
    site.start(program=("sh", "-c", run, "sh"))
    assert site.get() == "v1 v1 v1"
    site.reload()
    assert site.get() == "v1 v1 v1"


@pytest.mark.parametrize("kind", ["sync", "preload"])
def test_release_that_is_removed_serves_on_and_the_log_says_once_what_is_missing(
    site: Site, kind: str
) -> None:
    site.start(*KINDS[kind])
    before = site.workers()
    shutil.rmtree(site.top / "v1")
    os.kill(site.pid, signal.SIGHUP)
    site.log.wait_for("reload refused: chdir:")
    site.log.wait_for("is not a directory; write one that exists")
    assert site.workers() == before


def test_without_a_directory_no_worker_is_started_until_there_is_one(site: Site) -> None:
    site.start()
    shutil.rmtree(site.top / "v1")
    site.log.wait_for("No such file or directory; the workers that run serve on")
    for pid in site.workers():
        os.kill(pid, signal.SIGKILL)
    site.log.wait_for("was killed by SIGKILL")
    used = processes.cpu_seconds(site.pid)
    wait_until(lambda: processes.rests(site.pid), "it does not spin")
    assert processes.cpu_seconds(site.pid) - used < 0.5
    assert site.workers() == []
    site.release("v2")
    site.switch("v2")
    site.log.wait_for("is there again; workers are started")
    site.log.wait_for("Worker ready", count=2)
    assert site.get() == "v2 v2 v2"
    text = site.log.text()
    assert text.count("the workers that run serve on") == 1
    assert "failed to boot" not in text


def test_template_without_a_directory_forks_on(site: Site) -> None:
    site.start("--preload")
    shutil.rmtree(site.top / "v1")
    (worker,) = site.workers()
    os.kill(worker, signal.SIGKILL)
    site.log.wait_for("Worker ready", count=2)
    assert len(site.workers()) == 1
