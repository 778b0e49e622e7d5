"""Debuggers of Python 3.14 that call a process from outside: sys.remote_exec(), `pdb -p`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not hasattr(sys, "remote_exec"), reason="sys.remote_exec is Python 3.14's"
)


def call(pid: int, folder: Path) -> None:
    """Have the process write its pid into a file, and wait for it."""
    written, script = folder / f"{pid}.txt", folder / f"{pid}.py"
    script.write_text(f"import os; open({str(written)!r}, 'w').write(str(os.getpid()))\n")
    remote_exec = sys.remote_exec  # type: ignore[attr-defined]
    remote_exec(pid, str(script))
    wait_until(
        lambda: written.exists() and written.read_text() == str(pid), f"a step of process {pid}"
    )


@pytest.mark.parametrize(
    "options",
    [(), ("--threads", "4"), ("--threads", "4", "--preload"), ("--queue-timeout", "5")],
    ids=lambda options: " ".join(options) or "as it comes",
)
def test_debugger_gets_into_every_process_of_an_idle_server(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...]
) -> None:
    server = start_server("echo_query:app", *options, workers=2)
    templates = re.findall(r"Template ready \(pid: (\d+)\)", server.log.text())
    for pid in [server.pid, *server.worker_pids(), *map(int, templates)]:
        call(pid, tmp_path)
    assert server.get("/?a=1").text == "a=1"
    os.kill(server.worker_pids()[0], 0)
