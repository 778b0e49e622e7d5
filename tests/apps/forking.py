"""Forks, in every way that an application can.

/WAY/METHOD has processes (a pool, an executor, or process by process; each by fork, forkserver
and spawn) compute something.  /child/KIND forks and lets the child come back into the server in
some way.  /sleeper/KIND leaves a child behind that waits for a signal, and says its pid; /run/KIND
ends it at once.  /terminated says the exit code of one that was told to end.  /hold waits for a
file `go`, /stream is five blocks, /echo the body, / the pid.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import held

kept = []  # children that live on


def square(number):
    return number * number


def send_square(pipe, number):
    pipe.send(square(number))


def by_pool(context):
    with context.Pool(2) as pool:
        return sum(pool.map(square, [1, 2, 3]))


def by_executor(context):
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        return sum(executor.map(square, [1, 2, 3]))


def by_process(context):
    ours, theirs = context.Pipe()
    processes = [context.Process(target=send_square, args=(theirs, number)) for number in (1, 2, 3)]
    for process in processes:
        process.start()
    total = sum(ours.recv() for _ in processes)
    for process in processes:
        process.join()
    return total


WAYS = {"pool": by_pool, "executor": by_executor, "process": by_process}


def app(environ, start_response):
    path = environ["PATH_INFO"]
    parts = path.strip("/").split("/")
    if path == "/hold":
        return held.app(environ, start_response)
    if parts[0] == "child":
        return child(parts[1], environ, start_response)
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"block %d\n" % number for number in range(5))
    said = str(os.getpid())
    if parts[0] in WAYS:
        said = str(WAYS[parts[0]](multiprocessing.get_context(parts[1])))
    elif parts[0] == "sleeper":
        said = str(sleeper(*parts[1:]))
    elif parts[0] == "run":
        pid = sleeper(parts[1])
        os.kill(pid, signal.SIGKILL)
        if parts[1] == "spawn":
            os.waitpid(pid, 0)
        else:
            kept.pop().wait()
        said = "ended"
    elif path == "/terminated":
        said = str(terminated())
    elif path == "/echo":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [environ["wsgi.input"].read()]
    return answer(start_response, said)


def answer(start_response, said):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said.encode()]


def terminated():
    """The exit code of a child that is told to end."""
    process = multiprocessing.get_context("fork").Process(target=signal.pause)
    process.start()
    process.terminate()
    process.join(10)
    return process.exitcode


def sleeper(kind="fork"):
    """A child of this kind, which lives until somebody ends it: its pid."""
    if kind == "process":
        process = multiprocessing.get_context("fork").Process(target=signal.pause, daemon=True)
        process.start()
        kept.append(process)
        return process.pid
    if kind == "library":
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            ctypes.PyDLL(None).pause()
        return pid
    if kind == "fork":
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        return pid
    command = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    if kind == "spawn":
        return os.posix_spawn(command[0], command, {})
    before = {"preexec": os.getpid}.get(kind)
    program = subprocess.Popen(command, close_fds=False, preexec_fn=before)
    kept.append(program)
    return program.pid


def child(kind, environ, start_response):
    """Forks; the parent answers as always, and the child comes back as `kind` says."""
    if kind == "generator":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return forks_in_the_middle()
    if kind == "close":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return ForksInClose([str(os.getpid()).encode()])
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        come_back(kind, environ, start_response)
    else:
        os.waitpid(pid, 0)
    said = environ["wsgi.input"].read() if kind == "reads" else str(parent).encode()
    if kind == "starts" and pid == 0:
        return []
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said]


def come_back(kind, environ, start_response):
    if kind == "raises":
        raise ValueError("in the child")
    if kind == "exits":
        sys.exit(3)
    if kind == "starts":
        start_response("200 OK", [("X-Child", "yes")])
    if kind == "writes":
        write = start_response("200 OK", [("X-Child", "yes")])
        write(b"from the child" * 100_000)
        environ["wsgi.early_hints"]([("Link", "</child>")])
        raise SystemExit
    if kind == "reads":
        environ["wsgi.input"].read()
    if kind == "waits":
        time.sleep(0.2)  # with gevent: a switch to its hub


def forks_in_the_middle():
    yield b"before\n"
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    yield b"after\n"


class ForksInClose(list):
    def close(self):
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)


if how := os.environ.get("FORKING_AT_IMPORT"):
    pid = os.fork()
    if pid == 0 and how == "exits":
        sys.exit(0)
    if pid == 0 and how == "stays":
        Path(os.environ["FORKING_PIDFILE"]).write_text(str(os.getpid()))
        signal.pause()
    if pid and how != "stays":
        os.waitpid(pid, 0)
