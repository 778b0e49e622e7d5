"""Runs the console blocks of a page, in their order, in its sandbox.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from tests.docs.blocks import BadBlock, Block
from tests.docs.sandbox import Sandbox
from tests.kit import processes
from tests.kit.log import Log
from tests.kit.manager import NotifySocket
from tests.kit.programs import program
from tests.kit.waiting import wait_until

SHOWN_LINES = 30  # of a server's log, in what is said of a failure
DEADLINE = 60.0  # seconds for a command that ends by itself
# Programs that a machine may lack: then the page is skipped, and fails under CI.
BORROWED = {"curl", "openssl", "nginx", "haproxy", "jq", "wrk", "ab"}
CHANGE_THE_MACHINE = {
    "apt", "apt-get", "docker", "kubectl", "modprobe", "podman", "service", "sudo", "sysctl",
    "systemctl", "useradd",
}  # fmt: skip
NO_SERVER = re.compile(
    r"fastfork (?:config|signal|status)\b|fastfork\b.* (?:-h|-v|-d|--help(?:-all)?|--version"
    r"|--check-config|--print-config|--print-completion|--daemon)\b"
)
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")  # of a terminal
# A reader who is too quick looks again: so these are repeated until they show what the page does.
ONLY_LOOKS = re.compile(
    r"(?:curl(?!.* (?:-X|-d|--data|--request)\b)|grep|cat|tail|ps|ls) |fastfork status"
)
GOES_ON = re.compile(r" --watch\b|^tail -[fF]|^journalctl .*-f\b")  # until Ctrl-C


@dataclass(frozen=True)
class Command:
    """What is typed after a prompt, and the lines that the page shows below."""

    where: str
    text: str
    shown: str


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block.  Raises BadBlock for lines before the first prompt."""
    lines = block.text.splitlines()
    prompts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    if not prompts or prompts[0] != 0:
        raise BadBlock(f"{block.where}: a console block begins with `$ ` and a command")
    page = block.where.rpartition(":")[0]
    for at, after in zip(prompts, [*prompts[1:], len(lines)], strict=True):
        typed = at
        while lines[typed].endswith("\\") and typed + 1 < after:
            typed += 1
        text = "\n".join([lines[at][2:], *(line.strip() for line in lines[at + 1 : typed + 1])])
        shown = "\n".join(lines[typed + 1 : after]).strip("\n")
        yield Command(f"{page}:{block.line + 1 + at}", text.replace("\\\n", ""), shown)


class Console:
    """Runs commands of one page one after the other.

    A server is started in the background, and the next command comes when it is ready.  Like a
    reader, the next server takes its place, unless the command ends with ` &`.
    """

    def __init__(self, sandbox: Sandbox, patience: float) -> None:
        self._sandbox = sandbox
        self._patience = patience
        self._front: Serving | None = None
        self._behind: list[Serving] = []
        self._count = 0

    def run(self, command: Command) -> None:
        """Run it and compare what it says.  Raises AssertionError."""
        words = set(shlex.split(command.text.replace("$(", " ( ")))
        if words & CHANGE_THE_MACHINE:
            raise BadBlock(f"{command.where}: not for a test to run; say why in excused.py")
        for word in words & BORROWED:
            program(word)
        self._sandbox.make_room(command.text)
        if self._starts_server(command.text):
            self._serve(command)
        elif GOES_ON.search(command.text):
            self._watch(command)
        else:
            self._execute(command)

    def finish(self) -> None:
        """Stop every server, and assert that each ended well."""
        errors = []
        for serving in [*self._behind, self._front]:
            try:
                if serving is not None:
                    serving.stop()
            except AssertionError as error:
                errors.append(error)
        self._front, self._behind = None, []
        if errors:
            raise errors[0]

    def _starts_server(self, text: str) -> bool:
        if re.search(r"[;|]|&&", text):
            return False  # something is done with what it says at its end
        words = shlex.split(text)
        while words and "=" in words[0]:
            del words[0]
        if words[:1] == ["fastfork"] or words[:3] == ["python", "-m", "fastfork"]:
            return not NO_SERVER.search(text)
        script = self._sandbox.here / words[1] if words[:1] == ["python"] and words[1:] else None
        return bool(script and script.is_file() and "fastfork.serve(" in script.read_text())

    def _serve(self, command: Command) -> None:
        behind = command.text.endswith(" &")
        if self._front is not None and not behind:
            self._front.stop()
            self._front = None
        text = command.text.removesuffix(" &")
        if not self._says_where(text):
            text += f" --bind 127.0.0.1:{self._sandbox.port(8000)}"
        self._count += 1
        serving = Serving(self._sandbox, command, self._sandbox.inside(text), self._count)
        if behind:
            self._behind.append(serving)
        else:
            self._front = serving
        serving.wait_ready()
        if command.shown:
            _wait_shown(command, serving.said, self._patience)

    def _says_where(self, text: str) -> bool:
        """Whether something but the default says where to listen."""
        if re.search(r"(?:^| )(?:-b|--bind|PORT=|FASTFORK_BIND=)", text):
            return True
        here = self._sandbox.here
        named = re.search(r"(?:^| )(?:-c|--config)[ =](\S+)", text)
        read = [here / named[1]] if named else [*here.glob("*.conf.py"), *here.glob("*.toml")]
        if text.startswith("python "):
            read = [here / text.split()[1]]
        return any(re.search(r"\bbind ?=", file.read_text()) for file in read if file.is_file())

    def _execute(self, command: Command) -> None:
        if ONLY_LOOKS.match(command.text) and command.shown:
            code, said = 0, ""

            def as_shown() -> bool:
                nonlocal code, said
                code, said = self._once(command)
                return code == 0 and shows(command.shown, said)

            wait_until(as_shown, lambda: self._wrong(command, code, said), self._patience)
            return
        code, said = self._once(command)
        right = code == 0 and (not command.shown or shows(command.shown, said))
        assert right, self._wrong(command, code, said)

    def _once(self, command: Command) -> tuple[int, str]:
        """Run it once.  Returns its exit code, and what it said in the page's words."""
        done = subprocess.run(
            ["bash", "-c", self._sandbox.inside(command.text)],
            cwd=self._sandbox.here,
            env=self._sandbox.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            timeout=DEADLINE,
        )
        return done.returncode, self._sandbox.outside(done.stdout)

    def _wrong(self, command: Command, code: int, said: str) -> str:
        served = f"\nserver:\n{self._front.said()}" if self._front else ""
        if code != 0:
            return f"{command.where}: `{command.text}` ended with {code}:\n{said}{served}"
        return difference(command, said) + served

    def _watch(self, command: Command) -> None:
        """Something that goes on until Ctrl-C: the page's lines must come, or any."""
        terminal, other_end = os.openpty()
        process = subprocess.Popen(
            ["bash", "-c", f"exec {self._sandbox.inside(command.text)}"],
            cwd=self._sandbox.here,
            env={**self._sandbox.environment(), "TERM": "xterm", "COLUMNS": "120"},
            stdin=subprocess.DEVNULL,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)
        os.set_blocking(terminal, False)
        screen = bytearray()

        def said() -> str:
            with suppress(BlockingIOError, OSError):
                screen.extend(os.read(terminal, 1 << 16))
            return self._sandbox.outside(_CONTROLS.sub("", screen.decode(errors="replace")))

        try:
            _wait_shown(command, said, self._patience)
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()
            os.close(terminal)


class Serving:
    """A server that a page started.  It tells on a socket of its own when it is ready."""

    def __init__(self, sandbox: Sandbox, command: Command, text: str, number: int) -> None:
        self._sandbox, self._command = sandbox, command
        self.log = Log(sandbox.root / f"server{number}.log")
        self._manager = NotifySocket(str(sandbox.root / f"notify{number}"))
        with self.log.path.open("w") as output:
            self._process = subprocess.Popen(
                ["bash", "-c", _replacing_the_shell(text)],
                cwd=sandbox.here,
                env={**sandbox.environment(), "NOTIFY_SOCKET": self._manager.address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Wait until a worker answers."""

        def ready_or_gone() -> bool:
            return "READY" in self._manager.order() or self._process.poll() is not None

        where, text = self._command.where, self._command.text
        wait_until(ready_or_gone, lambda: f"{where}: ready; {self.log.text()}", 30.0)
        code = self._process.poll()
        assert code is None, f"{where}: `{text}` ended with {code}:\n{self.said()}"

    def stop(self) -> None:
        """Stop it, unless a command of the page has, and whoever took its place."""
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            code = self._process.wait(DEADLINE)
            for pid in processes.in_session(self._process.pid):  # the new program of an upgrade
                os.kill(pid, signal.SIGTERM)
            wait_until(
                lambda: not processes.in_session(self._process.pid),
                f"{self._command.where}: no process left",
            )
        finally:
            self._manager.close()
            for pid in processes.in_session(self._process.pid):
                os.kill(pid, signal.SIGKILL)
            self._process.wait(DEADLINE)
        where = self._command.where
        assert code == 0, f"{where}: the server ended with {code}:\n{self.said()}"
        assert not self.log.alarms(), f"{where}: alarms in the log:\n{self.said()}"

    def said(self) -> str:
        """What it has written, in the page's words; of a long log the beginning and the end."""
        lines = self.log.text().splitlines(keepends=True)
        if len(lines) > 2 * SHOWN_LINES:
            lines = [*lines[:SHOWN_LINES], "[...]\n", *lines[-SHOWN_LINES:]]
        return self._sandbox.outside("".join(lines))


def _replacing_the_shell(text: str) -> str:
    """The command so that the shell becomes the server; variables before it stay variables."""
    words = re.match(r"((?:\w+=(?:'[^']*'|\S*) )*)(.*)", text, re.S)
    assert words
    return f"{words[1]}exec {words[2]}"


def _wait_shown(command: Command, said: Callable[[], str], patience: float) -> None:
    def there() -> bool:
        now = said()
        return bool(now) if not command.shown else shows(command.shown, now, to_end=False)

    wait_until(there, lambda: difference(command, said()), patience)


def difference(command: Command, said: str) -> str:
    """What to tell when the page shows something else."""
    return f"{command.where}: `{command.text}` said:\n{said}\nand the page shows:\n{command.shown}"


# What is another one each time.
_CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[+-]\d\d:?\d\d|Z)?"), "<date>"),
    (re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"), "<date>"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "<date>"),
    (re.compile(r"(?<=[\[(])\d+(?=[\])])|(?<=pid: )\d+|(?<=\"pid\": )\d+|(?<=pid )\d+"), "<pid>"),
]


def shows(shown: str, said: str, *, to_end: bool = True) -> bool:
    """Whether what a program said is what the page shows.

    Dates and process ids may differ.  `…` stands for anything within a line; a line that is
    nothing but `…` for any lines.  to_end: what was said ends where the page's lines end.
    """
    for changing, name in _CHANGING:
        shown, said = changing.sub(name, shown), changing.sub(name, said)
    lines = [re.sub(r"\s+\Z", "", line) for line in shown.strip("\n").splitlines()]
    pattern = "".join(
        r"(?:[^\n]*\n)*?"
        if line.strip() == "…"
        else re.escape(line).replace("…", r"[^\n]*?") + r"[ ]*\n"
        for line in lines
    )
    text = said.replace("\r", "").strip("\n") + "\n"
    return bool(re.match(pattern + (r"\Z" if to_end else ""), text))
