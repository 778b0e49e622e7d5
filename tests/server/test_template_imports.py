"""What an application does to its process while it is loaded, with a template.

Each of these was seen in an application or in a library that one imports.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "importing:app"
KINDS = ((), ("--threads", "2"), ("-k", "gevent"))

# A thread that begins at the import, and takes every child of the process that has ended.
REAPER = """
import threading, time
def reap():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.001)
threading.Thread(target=reap, daemon=True).start()
"""
# os.fork() as it is from Python 3.12 on where warnings are errors and the process has threads:
# the child is there, and the parent gets an exception.
FORK_THAT_WARNS = """
fork = os.fork
def warning_fork():
    pid = fork()
    if pid:
        raise DeprecationWarning("this process is multi-threaded, use of fork() may deadlock")
    return pid
os.fork = warning_fork
"""
ALARMED = """
import signal
def alarmed(*_): raise RuntimeError("the time is up")
signal.signal(signal.SIGALRM, alarmed)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
time = __import__("time"); deadline = time.monotonic() + 1
"""
IMPORTS = {
    "ignores SIGCHLD": "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "reaps in a handler": "import signal\n"
    "signal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))",
    "reaps in a thread": REAPER,
    "ignores SIGTERM": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "handles SIGTERM": "import signal; signal.signal(signal.SIGTERM, lambda *_: None)",
    "holds every signal back": "import signal\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "has a handler that raises": ALARMED,
    "has an alarm for its import": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.2)",
    "has a time limit for its import": "import faulthandler\n"
    "faulthandler.dump_traceback_later(0.3, exit=True)",
    "ends by broken pipes": "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)",
    "has sockets time out": "import socket; socket.setdefaulttimeout(0.05)",
    "closes standard output": "import sys; sys.stdout.close()",
    "has no standard output": "import sys; sys.stdout = None",
    "prints into something of its own": "import sys\n"
    "class Stream:\n    def write(self, text): raise OSError('full')\n"
    "    def __getattr__(self, name): raise ValueError(name)\nsys.stderr = sys.stdout = Stream()",
    "adopts orphans": "import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)",
    "forgets its parent": "import ctypes; ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)",
    "has a wake-up descriptor": "import signal, socket\nends = socket.socketpair()\n"
    "ends[1].setblocking(False)\nsignal.set_wakeup_fd(ends[1].fileno())",
    "makes private files": "os.umask(0o777)",
    "goes elsewhere": "os.chdir('/')",
    "fork that warns": FORK_THAT_WARNS,
    "hooks that raise": "import sys, threading\ndef hook(*_): raise RuntimeError('hook')\n"
    "sys.excepthook = threading.excepthook = sys.unraisablehook = hook",
    "few frames": "import sys; sys.setrecursionlimit(150)",
}


def ask(server: RunningServer, expression: str) -> str:
    return server.get("/?" + quote(expression)).text


def start(
    start_server: Starter, code: str, *options: str, place: Path | None = None, workers: int = 2
) -> RunningServer:
    env = {"IMPORTING": code, **({} if place is None else {"IMPORTING_PLACE": str(place)})}
    return start_server(APP, "--preload", *options, workers=workers, config="", env=env)


def templates(server: RunningServer) -> list[int]:
    pids = re.findall(r"Template ready \(pid: (\d+)\)", server.log.text())
    return [int(pid) for pid in pids if processes.alive(int(pid))]


def forks_replaces_and_reloads(server: RunningServer) -> None:
    """A worker is replaced, a reload replaces all, and of templates there is one then."""
    first = server.worker_pids()
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    server.wait_for_workers(2, without=first[:1])
    before = server.worker_pids()
    (old,) = templates(server)
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=before)
    wait_until(lambda: not processes.alive(old), "the old template has gone")
    assert int(ask(server, "os.getpid()")) in server.worker_pids()
    # The arbiter knows each worker that there is: two, the template, and itself.
    wait_until(lambda: len(processes.in_session(server.pid)) == 4, "nobody else is left")
    assert "Cannot start a worker" not in server.log.text()


@pytest.mark.parametrize("name", IMPORTS)
def test_whatever_an_import_does_workers_are_forked_and_replaced(
    start_server: Starter, name: str
) -> None:
    forks_replaces_and_reloads(start(start_server, IMPORTS[name]))


@pytest.mark.parametrize("options", KINDS[1:])
@pytest.mark.parametrize("name", ["ignores SIGCHLD", "ignores SIGTERM", "fork that warns"])
def test_whatever_an_import_does_each_kind_of_worker_is_forked(
    start_server: Starter, name: str, options: tuple[str, ...]
) -> None:
    if "gevent" in options:
        library("gevent")
    forks_replaces_and_reloads(start(start_server, IMPORTS[name], *options))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="os.fork() does not warn before 3.12")
def test_warning_of_threads_at_a_fork_may_be_an_error(start_server: Starter) -> None:
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True)"
    env = {"IMPORTING": f"{code}.start()", "PYTHONWARNINGS": "error::DeprecationWarning"}
    forks_replaces_and_reloads(start_server(APP, "--preload", workers=2, config="", env=env))


def test_application_in_a_template_has_its_handlers_directory_and_path_in_the_workers(
    start_server: Starter,
) -> None:
    code = (
        "import signal, sys\ndef alarmed(*_): pass\nsignal.signal(signal.SIGALRM, alarmed)\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nos.chdir('/tmp')\nsys.path[:0] = ['/mine']"
    )
    server = start(start_server, code)
    assert ask(server, "signal.getsignal(signal.SIGALRM) is alarmed") == "True"
    assert ask(server, "(os.getcwd(), sys.path[0])") == "('/tmp', '/mine')"
    assert ask(server, "signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN") == "True"


# -- what was registered or started before the fork

LEFT_TO_THE_TEMPLATE = """
import atexit, multiprocessing, tempfile, time, weakref
class Thing: pass
thing = Thing()
atexit.register(note, "exit handler")
weakref.finalize(thing, note, "finalizer")
folder = tempfile.TemporaryDirectory(dir=PLACE)
file = tempfile.NamedTemporaryFile(dir=PLACE)
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True)
child.start()
from multiprocessing import util
note("template")
def state():
    return (os.path.exists(folder.name), os.path.exists(file.name),
            open(f"/proc/{child.pid}/stat").read().rpartition(")")[2].split()[0])
def register():
    atexit.register(note, "worker's handler")
    weakref.finalize(Thing, note, "worker's finalizer")
    return os.getpid()
"""


@pytest.mark.parametrize("options", KINDS)
def test_what_is_the_templates_ends_once_and_with_it(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...]
) -> None:
    if "gevent" in options:
        library("gevent")
    server = start(start_server, LEFT_TO_THE_TEMPLATE, *options, place=tmp_path, workers=1)
    gone = [ask(server, "register()")]
    for _ in range(2):
        (worker,) = server.worker_pids()
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda pid=worker: not processes.alive(pid), "it has gone")
        server.wait_for_workers(1, without=[worker])
        wait_until(lambda: ask(server, "state()") == "(True, True, 'S')", "all is there")
    (template,) = templates(server)
    child = int(ask(server, "child.pid"))
    server.signal("stop")
    assert server.wait_exit() == 0
    notes = (tmp_path / "notes").read_text().splitlines()
    assert sorted(notes) == sorted(
        [
            f"template {template}",
            f"exit handler {template}",
            f"finalizer {template}",
            *(f"worker's handler {pid}" for pid in gone),
            *(f"worker's finalizer {pid}" for pid in gone),
        ]
    )
    assert not processes.alive(child)
    assert {path.name for path in tmp_path.iterdir()} <= {"notes", file_left(tmp_path)}


def file_left(place: Path) -> str:
    """A named temporary file goes when nobody has it: not with a process that ends otherwise."""
    return next((path.name for path in place.iterdir() if path.name.startswith("tmp")), "")


def test_file_that_a_worker_closes_stays_for_the_others(
    start_server: Starter, tmp_path: Path
) -> None:
    code = "import tempfile\nfile = tempfile.NamedTemporaryFile(dir=PLACE)\nname = file.name"
    server = start(start_server, code, place=tmp_path, workers=1)
    assert ask(server, "(file.close(), os.path.exists(name))") == "(None, True)"
    assert ask(server, "[globals().pop('file'), None][1]") == "None"
    assert ask(server, "os.path.exists(name)") == "True"


def test_folder_that_a_worker_lets_go_of_stays_for_the_others(
    start_server: Starter, tmp_path: Path
) -> None:
    code = "import tempfile\nfolder = tempfile.TemporaryDirectory(dir=PLACE)\nname = folder.name"
    server = start(start_server, code, place=tmp_path, workers=1)
    assert ask(server, "[globals().pop('folder'), None][1]") == "None"
    assert ask(server, "os.path.exists(name)") == "True"


PROCESSES = """
import multiprocessing, time
def start(method):
    process = multiprocessing.get_context(method).Process(target=time.sleep, args=(0,))
    process.start()
    process.join(20)
    return process.exitcode
assert start("forkserver") == 0
"""


def test_workers_have_a_fork_server_of_their_own_when_the_application_has_used_one(
    start_server: Starter,
) -> None:
    server = start(start_server, PROCESSES, workers=1)
    first = ask(server, "start('forkserver')")
    assert first == "0"
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGTERM)
    server.wait_for_workers(1, without=[worker])
    wait_until(lambda: ask(server, "os.getpid()") != str(worker), "another worker answers")
    assert ask(server, "start('forkserver'), start('spawn')") == "(0, 0)"


def test_workers_speak_to_a_manager_each_for_itself(start_server: Starter) -> None:
    code = (
        "import multiprocessing\nmanager = multiprocessing.get_context('fork').Manager()\n"
        "shared = manager.dict()\nshared['n'] = 0\n"
        "def add():\n    for _ in range(200):\n"
        "        shared[os.getpid()] = shared.get(os.getpid(), 0) + 1\n"
        "    return shared[os.getpid()] % 200"
    )
    server = start(start_server, code)
    for worker in server.worker_pids():
        server.forget_descriptors(worker)
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.send(f"GET /?{quote('add()')} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert [client.read_response().text for client in clients] == ["0"] * 8
    for worker in server.worker_pids():
        os.kill(worker, signal.SIGTERM)
    server.log.wait_for("Worker ready", count=4)
    assert ask(server, "add()") == "0"


# -- templates that do not go


def test_template_that_is_stopped_is_killed_after_a_reload(start_server: Starter) -> None:
    server = start(start_server, "", "--graceful-timeout", "0.5")
    (old,) = templates(server)
    os.kill(old, signal.SIGSTOP)
    server.signal("reload")
    server.log.wait_for("Reload complete")
    line = server.log.wait_for("Template did not go in time; killing it", timeout=20)
    assert str(old) in line
    wait_until(lambda: not processes.alive(old), "it has gone")


def test_import_that_is_deaf_to_signals_does_not_outlive_the_next_reload(
    start_server: Starter, tmp_path: Path
) -> None:
    code = (
        "import signal, time\nif (PLACE / 'deaf').exists():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    note('deaf')\n    time.sleep(60)"
    )
    server = start(start_server, code, place=tmp_path)
    (tmp_path / "deaf").touch()
    server.signal("reload")
    notes = tmp_path / "notes"
    notes.touch()
    wait_until(notes.read_text, "the new template is in its import")
    deaf = int(notes.read_text().split()[-1])
    (tmp_path / "deaf").unlink()
    server.signal("reload")
    server.log.wait_for("Reload complete")
    wait_until(lambda: not processes.alive(deaf), "it has gone", 15)


def test_exit_handlers_of_a_template_run_though_a_thread_of_the_application_does_not_end(
    start_server: Starter, tmp_path: Path
) -> None:
    code = (
        "import atexit, threading\natexit.register(note, 'exit handler')\n"
        "threading.Thread(target=threading.Event().wait, args=(60,)).start()"
    )
    server = start(start_server, code, place=tmp_path)
    (template,) = templates(server)
    server.signal("stop")
    assert server.wait_exit() == 0
    assert (tmp_path / "notes").read_text() == f"exit handler {template}\n"
    assert "Template leaves while a thread of the application runs" in server.log.text()


def test_worker_of_which_the_arbiter_does_not_hear_ends_at_once(
    start_server: Starter, tmp_path: Path
) -> None:
    # In the template, which has forked it: the answer to the arbiter does not leave.
    code = (
        "from fastfork.arbiter.forking import forkserver_process as template\n"
        "fork_for = template.fork_for\n"
        "def failing(*arguments, **more):\n    pid = fork_for(*arguments, **more)\n"
        "    if not (PLACE / 'mended').exists():\n        note(str(pid))\n        os._exit(1)\n"
        "    return pid\ntemplate.fork_for = failing"
    )
    env = {"IMPORTING": code, "IMPORTING_PLACE": str(tmp_path)}
    server = start_server(APP, "--preload", ready=False, config="", env=env)
    wait_until((tmp_path / "notes").exists, "a worker was forked")
    (tmp_path / "mended").touch()
    server.wait_ready()
    lost = {int(line.split()[0]) for line in (tmp_path / "notes").read_text().splitlines()}
    wait_until(lambda: not any(map(processes.alive, lost)), "nobody knows of it, and it is gone")


def test_callbacks_of_forks_run_once_for_each_worker(start_server: Starter, tmp_path: Path) -> None:
    # The process between the template and a worker runs nothing: its memory is the worker's.
    code = "os.register_at_fork(after_in_child=lambda: note(f'{os.getpid()} {os.getppid()}'))"
    env = {"IMPORTING": code, "IMPORTING_PLACE": str(tmp_path)}
    server = start_server(APP, "--preload", workers=2, env=env)
    notes = (tmp_path / "notes").read_text().splitlines()
    assert sorted(int(line.split()[0]) for line in notes) == sorted(server.worker_pids())


# -- hooks


@pytest.mark.parametrize("options", [(), ("--max-requests", "1")])
def test_child_exit_is_called_for_a_template_too(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
def child_exit(server, worker):
    server.log.info("child_exit of %d, number %d, age %d", worker.pid, worker.number, worker.age)
"""
    server = start_server(APP, "--preload", *options, config=config)
    (first,) = templates(server)
    server.signal("reload")
    server.log.wait_for(f"child_exit of {first}, number -1, age 0")
    server.log.wait_for("Reload complete")
    (second,) = templates(server)
    server.signal("stop")
    assert server.wait_exit() == 0
    for template in (first, second):
        assert server.log.text().count(f"child_exit of {template},") == 1
