"""A real server: `python -m fastfork` in a session of its own, on a port the kernel chose.

A server that ends must leave nothing: `finish()` checks the log for alarms, the session for
processes, each worker for descriptors, and the port.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import fastfork
from tests.kit import processes
from tests.kit.client import Endpoint, RawClient
from tests.kit.log import Log
from tests.kit.programs import library
from tests.kit.response import Response
from tests.kit.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
CONFIG_NAME = "fastfork.conf.py"
STOP_TIMEOUT = 20.0  # seconds

SIGNALS = {
    "stop": signal.SIGTERM,
    "quit": signal.SIGINT,
    "reload": signal.SIGHUP,
    "reopen": signal.SIGUSR1,
    "more": signal.SIGTTIN,
    "fewer": signal.SIGTTOU,
}
# Settings of the machine that runs the tests must not reach the server: these, and FASTFORK_*.
FOREIGN = (
    "PORT", "WEB_CONCURRENCY", "SENDFILE", "GUNICORN_CMD_ARGS", "NOTIFY_SOCKET", "WATCHDOG_USEC",
    "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
)  # fmt: skip


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: tests/apps importable, and fastfork as it is here."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith("FASTFORK_")
    }
    paths = [str(APPS)]
    if Path(fastfork.__file__).resolve().parents[1] == ROOT:
        paths.append(str(ROOT))  # not installed: the tests run on the checkout
    env["PYTHONPATH"] = os.pathsep.join(paths)
    env["PYTHONUNBUFFERED"] = "1"
    return {**env, **extra}


def _no_more_open(pid: int, before: Sequence[str]) -> bool:
    return len(processes.descriptors(pid)) <= len(before)


def _open_now(pid: int, before: Sequence[str]) -> str:
    return f"process {pid} has open what it had: {before}; now {processes.descriptors(pid)}"


class RunningServer:
    """One server process tree.

    app: MODULE:APP; modules in tests/apps can be named without a package.
    options: command line, before the app.  `--bind 127.0.0.1:0` is added when it has no bind.
    config: text of the config file, or None for no file.
    through: a command that becomes the server; pass_fds: descriptors that it gets.
    listens: False when the config file says where to listen.
    bare: no option but those given; `workers` is then what the config file makes of it.
    successor: the arbiter of the new program, after an upgrade.
    """

    def __init__(
        self,
        files: Path,
        app: str,
        options: Sequence[str] = (),
        *,
        workers: int = 1,
        config: str | None = None,
        env: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        listens: bool = True,
        bare: bool = False,
    ) -> None:
        self.files = files
        self.log = Log(files / "server.log")
        self.workers = workers
        self.expected_alarms: list[str] = []
        self.expected_exit: int | None = 0
        self.endpoint: Endpoint = ("127.0.0.1", 0)
        self.successor: int | None = None
        self._clients: list[RawClient] = []
        self._descriptors: dict[int, list[str]] = {}
        if config is not None:
            self.write_config(config)
        has_bind = {"-b", "--bind"} & set(options) or pass_fds or not listens
        bind = [] if has_bind else ["--bind", "127.0.0.1:0"]
        usual = [] if bare else [*bind, "--workers", str(workers)]
        command = [*through, sys.executable, "-P", "-m", "fastfork", *usual]
        with self.log.path.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *options, app],
                cwd=files,
                env=environment(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=pass_fds,
            )

    # -- starting

    def wait_ready(self, timeout: float = 30.0) -> RunningServer:
        """Wait until every worker serves; learn the address.  timeout: seconds."""

        def ready() -> bool:
            text = self.log.text()
            return text.count("Worker ready") >= self.workers or self.process.poll() is not None

        wait_until(ready, f"{self.workers} workers ready", timeout)
        if (code := self.process.poll()) is not None:
            self.expected_exit = None  # said here; `finish` need not say it again
            raise AssertionError(f"the server ended with {code}:\n{self.log.text()}")
        found = re.search(
            r"Listening at: (?:systemd:\S+ = )?(?:https?://\[?([^\s\]]+)\]?:(\d+)|unix:([^\s,]+))",
            self.log.text(),
        )
        assert found, f"no 'Listening at:' in the log:\n{self.log.text()}"
        self.endpoint = found[3] or (found[1], int(found[2]))
        self.note_descriptors()
        return self

    def write_config(self, text: str) -> Path:
        """Write the config file that the server reads at the start and on reload."""
        path = self.files / CONFIG_NAME
        path.write_text(text)
        return path

    # -- asking

    @property
    def pid(self) -> int:
        """Pid of the arbiter."""
        return self.successor or self.process.pid

    @property
    def url(self) -> str:
        """http://HOST:PORT, without a slash at the end."""
        assert not isinstance(self.endpoint, str), "a unix socket has no URL"
        return f"http://{self.endpoint[0]}:{self.endpoint[1]}"

    def worker_pids(self) -> list[int]:
        """Pids of the live workers."""
        templates = set(map(int, re.findall(r"Template .*\(pid: (\d+)\)", self.log.text())))
        return [pid for pid in processes.children(self.pid) if pid not in templates]

    def wait_for_workers(self, count: int, *, without: Sequence[int] = ()) -> list[int]:
        """Wait until exactly `count` workers live, none of them in `without`."""

        def as_wanted() -> list[int]:
            pids = self.worker_pids()
            return pids if len(pids) == count and not set(pids) & set(without) else []

        return wait_until(as_wanted, f"{count} workers other than {list(without)}")

    def connect(self, *, timeout: float = 10.0) -> RawClient:
        """A raw connection, closed when the test ends."""
        client = RawClient(self.endpoint, timeout=timeout)
        self._clients.append(client)
        return client

    def get(self, target: str = "/", fields: Sequence[tuple[str, str]] = ()) -> Response:
        """GET on a connection of its own."""
        with RawClient(self.endpoint) as client:
            return client.request("GET", target, [*fields, ("Connection", "close")])

    # -- telling

    def signal(self, name: str | int) -> None:
        """Send a signal to the arbiter: "stop", "reload", ..., "TERM", or a number."""
        if isinstance(name, str):
            name = SIGNALS.get(name) or signal.Signals[f"SIG{name}"]
        if self.successor is not None:
            os.kill(self.successor, name)
        else:
            self.process.send_signal(name)

    def upgrade(self) -> int:
        """Start the new program, wait until its workers serve; it is the server then.

        Returns the pid of the old arbiter, which still serves.
        """
        old, ready = self.pid, self.log.text().count("Worker ready")
        before = self.log.text().count("Upgrading; the new arbiter is process")
        self.signal("USR2")
        text = "Upgrading; the new arbiter is process"
        line = self.log.wait_for(text, count=before + 1)
        self.log.wait_for("Worker ready", count=ready + self.workers, timeout=30)
        self.successor = int(line.split()[-1])
        return old

    def pidfile_says(self, pid: int, name: str = "server.pid") -> bool:
        """Whether the pid file in the server's directory names this process."""
        path = self.files / name
        return path.exists() and path.read_text() == f"{pid}\n"

    def expect_alarm(self, text: str) -> None:
        """The test makes the server log a traceback (or worse) that contains `text`."""
        self.expected_alarms.append(text)

    def wait_exit(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait for the arbiter to end; returns its exit code and lets `finish` accept it."""
        self.expected_exit = None
        return self.process.wait(timeout)

    def note_descriptors(self) -> None:
        """Remember what each process has open when it has come to rest; `finish` compares.

        A worker says that it is ready before its loop waits for the first time.
        """
        for pid in [self.pid, *self.worker_pids()]:
            wait_until(partial(processes.rests, pid), f"process {pid} waits for something")
            self._descriptors[pid] = processes.descriptors(pid)

    def forget_descriptors(self, pid: int) -> None:
        """Do not compare what this process has open: it opens more as it goes on."""
        self._descriptors.pop(pid, None)

    # -- ending

    def settle(self) -> None:
        """Close the connections of a test, and assert that it has left nothing."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._check_descriptors()
        self._check_log()

    def finish(self) -> None:
        """Stop, and assert that nothing is wrong and nothing is left."""
        for client in self._clients:
            client.close()
        try:
            self._check_descriptors()
            if self.successor is not None and processes.alive(self.successor):
                os.kill(self.successor, signal.SIGTERM)
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(STOP_TIMEOUT)
            wait_until(
                lambda: not processes.in_session(self.process.pid),
                lambda: f"no process left behind: {processes.in_session(self.process.pid)}",
            )
        finally:
            self.kill()
        expected = self.expected_exit
        assert expected is None or code == expected, f"exit code {code}, not {expected}"
        self._check_log()
        self._check_port()

    def kill(self) -> None:
        """End whatever is left of this server's session, at once."""
        for pid in processes.in_session(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(STOP_TIMEOUT)

    def _check_descriptors(self) -> None:
        """Every process that lives since the start has open what it had then."""
        for pid, before in self._descriptors.items():
            if processes.alive(pid):
                wait_until(
                    partial(_no_more_open, pid, before),
                    partial(_open_now, pid, before),
                )

    def _check_log(self) -> None:
        alarms = self.log.alarms()
        text = self.log.text()
        missing = [wanted for wanted in self.expected_alarms if wanted not in text]
        assert not missing, f"expected in the log, and not there: {missing}"
        assert self.expected_alarms or not alarms, f"alarms in the log: {alarms}"
        known = ("Traceback", *self.expected_alarms)
        worse = [line for line in alarms if not any(word in line for word in known)]
        assert not worse, f"alarms in the log: {worse}"

    def _check_port(self) -> None:
        """Nobody of ours listens any more.  The port may be somebody else's by now, who runs
        beside us; SO_REUSEADDR looks past connections in TIME_WAIT."""
        if isinstance(self.endpoint, str) or self.endpoint[1] == 0:
            return
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(self.endpoint)
            except OSError:
                holders = processes.listening_at(self.endpoint[1])
                ours = [pid for pid in holders if processes.uses(pid, self.files)]
                assert not ours, f"process {ours} listens at {self.endpoint} still"


class Fleet:
    """The servers of one test, each with a directory of its own below `files`."""

    def __init__(self, files: Path) -> None:
        self._files = files
        self._servers: list[RunningServer] = []

    def start(
        self,
        app: str = "fastfork.demo:app",
        *options: str,
        ready: bool = True,
        workers: int = 1,
        config: str | None = None,
        env: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        listens: bool = True,
        bare: bool = False,
    ) -> RunningServer:
        """Start one, see RunningServer; wait until its workers serve unless `ready` is False."""
        for name in {"gevent", "uvloop"}.intersection(options):
            library(name, in_extra=name == "gevent" or sys.version_info < (3, 14))
        files = self._files / str(len(self._servers))
        files.mkdir()
        server = RunningServer(
            files,
            app,
            options,
            workers=workers,
            config=config,
            env=env,
            through=through,
            pass_fds=pass_fds,
            listens=listens,
            bare=bare,
        )
        self._servers.append(server)
        return server.wait_ready() if ready else server

    def kill(self) -> None:
        """End all at once, without a check."""
        for server in self._servers:
            server.kill()

    def finish(self) -> None:
        """Finish all, the last one first; the first error is raised when all of them are gone."""
        errors: list[Exception] = []
        for server in reversed(self._servers):
            try:
                server.finish()
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                errors.append(error)
        if errors:
            raise errors[0]
