"""What is Linux's alone: one name for each, in one place, and what other systems have instead."""

from __future__ import annotations

import ast
import os
import re
import select
import signal
import socket
import subprocess
from pathlib import Path

import pytest

import fastfork
from fastfork import port
from fastfork.ipc.descriptors import receive

ROOT = Path(__file__).resolve().parents[2]
PORT = {"csrc/port.h", "csrc/port_waits.h", "fastfork/port.py"}
# Calls, flags and types.  What POSIX has, and what every system has by another name, is not here.
IN_C = re.compile(
    r"\b(accept4|pipe2|eventfd\w*|EFD_\w+|timerfd\w*|TFD_\w+|signalfd\w*|inotify\w*|epoll_\w+|"
    r"memfd\w*|MFD_\w+|splice|vmsplice|tee|sendfile\w*|copy_file_range|openat2|RESOLVE_\w+|O_PATH|"
    r"O_TMPFILE|getrandom|gettid|futex\w*|syscall|SYS_\w+|prctl|PR_[A-Z]\w+|pidfd\w*|sem_\w+|"
    r"process_vm_\w+|pthread_\w+_np|sched_\w+|recvmmsg|sendmmsg|fallocate|posix_fadvise|mremap|"
    r"MSG_NOSIGNAL|MSG_CMSG_CLOEXEC|SOCK_(?:SEQPACKET|NONBLOCK|CLOEXEC)|TCP_[A-Z]\w+|tcp_info|"
    r"SO_(?:MEMINFO|ATTACH_\w+|PEERCRED|INCOMING_\w+|REUSEPORT|DOMAIN|PROTOCOL)|SIGRT\w+|"
    r"CLOCK_(?!MONOTONIC\b|REALTIME\b)\w+|st_[amc]tim\w*|unshare|__linux__|__APPLE__|__FreeBSD__)\b"
    r"|/proc/|<linux/"
)
LINUX_NAMES = """
    accept4 pipe2 memfd_create epoll EPOLLEXCLUSIVE eventfd timerfd_create splice setresuid
    setresgid sched_getaffinity waitid getrandom pidfd_open posix_fadvise copy_file_range F_SETSIG
    O_PATH O_TMPFILE O_ASYNC SOCK_SEQPACKET SOCK_NONBLOCK SOCK_CLOEXEC MSG_NOSIGNAL MSG_CMSG_CLOEXEC
    TCP_INFO TCP_QUICKACK TCP_DEFER_ACCEPT SO_PEERCRED SO_INCOMING_CPU
"""
IN_PYTHON = frozenset(LINUX_NAMES.split())
# The poller of Linux has its name from epoll(7).
POLLER = {"fastfork/unpatched.py", "fastfork/workers/poller.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files(*patterns: str) -> list[Path]:
    found = (path for pattern in patterns for path in ROOT.glob(pattern))
    return sorted(path for path in found if name_of(path) not in PORT)


def without_comments(path: Path) -> str:
    text = path.read_text()
    if path.suffix in (".c", ".h"):
        return re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    docstrings = r'^\s*"""(?:(?!#include).)*?"""$'  # C in the text of an extern block stays
    return re.sub(
        r"#(?!include|if|define|else|endif).*", "", re.sub(docstrings, "", text, flags=re.S | re.M)
    )


@pytest.mark.parametrize("path", files("csrc/**/*.[ch]", "csrc/**/*.p[yx][xd]"), ids=name_of)
def test_compiled_code_names_nothing_that_is_linuxs_alone(path: Path) -> None:
    text = re.sub(r"\bff_\w+", "", without_comments(path))
    text = re.sub(r'"[^"\n]*"', lambda said: said[0] if "/proc/" in said[0] else '""', text)
    assert IN_C.findall(text) == []


@pytest.mark.parametrize("path", files("fastfork/**/*.py"), ids=name_of)
def test_module_names_nothing_that_is_linuxs_alone(path: Path) -> None:
    tree = ast.parse(path.read_text())
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    asked = {
        str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = (named | asked) & IN_PYTHON
    found |= {text for text in asked if text.startswith("/proc")}
    if name_of(path) in POLLER:
        found -= {"epoll", "EPOLLEXCLUSIVE"}
    assert found == set()
    assert "platform" not in {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    }


# -- what other systems have instead


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "IS_LINUX", False)


@pytest.fixture(params=[True, False], ids=["linux", "elsewhere"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not port.IS_LINUX:
        pytest.skip("a portable build")
    monkeypatch.setattr(port, "IS_LINUX", request.param)


@pytest.mark.usefixtures("either")
def test_messages_come_whole() -> None:
    one, two = port.message_pair()
    with one, two:
        one.send(b"first")
        one.send(b"second")
        assert [two.recv(64), two.recv(64)] == [b"first", b"second"]


@pytest.mark.usefixtures("either")
def test_received_descriptors_are_closed_in_other_programs() -> None:
    one, two = socket.socketpair()
    with one, two, open(os.devnull) as file:
        socket.send_fds(one, [b"x"], [file.fileno()])
        message, (descriptor,) = receive(two, 1, 1)
        assert message == b"x"
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


@pytest.mark.usefixtures("either")
def test_memory_file_keeps_what_is_written() -> None:
    descriptor = port.memory_file("test")
    os.write(descriptor, b"kept")
    assert os.pread(descriptor, 64, 0) == b"kept"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


@pytest.mark.usefixtures("either")
def test_pipe_waits_for_nobody() -> None:
    reading, writing = port.wakeup_pipe()
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    for end in (reading, writing):
        assert not os.get_inheritable(end)
        os.close(end)


@pytest.mark.usefixtures("either")
def test_own_descriptors_are_those_that_are_open() -> None:
    with open(os.devnull) as file:
        assert {0, 1, 2, file.fileno()} <= set(port.own_descriptors())


@pytest.mark.usefixtures("either")
def test_child_is_seen_until_it_is_waited_for() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert child.pid in port.children(os.getpid())
    assert not port.has_ended(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert port.has_ended(child.pid)
    assert child.pid not in port.children(os.getpid())
    child.wait()
    with pytest.raises(ChildProcessError):
        port.has_ended(child.pid)


@pytest.mark.usefixtures("either")
def test_end_of_a_pipe_is_a_signal() -> None:
    before = signal.getsignal(signal.SIGIO), signal.getsignal(signal.SIGUSR1)
    told: list[int] = []
    reading, writing = os.pipe()
    awake, wakes = os.pipe()
    try:
        signal.signal(
            signal.SIGUSR1, lambda signum, _frame: os.write(wakes, bytes([signum])) and None
        )
        port.signal_when_closed(reading, signal.SIGUSR1)
        os.close(writing)
        waiter = select.poll()
        waiter.register(awake, select.POLLIN)
        assert waiter.poll(5000)
        told.extend(os.read(awake, 8))
        assert told[0] == signal.SIGUSR1
    finally:
        signal.signal(signal.SIGIO, before[0])
        signal.signal(signal.SIGUSR1, before[1])
        for descriptor in (reading, awake, wakes):
            os.close(descriptor)


def test_processors_are_counted(elsewhere: None) -> None:
    assert port.processors() == (os.cpu_count() or 1)


def test_readme_says_what_other_systems_are_for() -> None:
    readme = Path(fastfork.__file__).parents[1] / "README.md"
    if not readme.exists():
        pytest.skip("no checkout around the package")
    sentence = (
        "macOS and FreeBSD: for development, built from source, not tested by us on the platform"
    )
    assert sentence in " ".join(readme.read_text().split())
