"""What ps shows of each process, and of what it is doing."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import Starter
from tests.kit.programs import library
from tests.kit.waiting import wait_until

APP = "supervised:app"

library("setproctitle")


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def test_titles_show_role_name_and_state(start_server: Starter) -> None:
    server = start_server(APP, "--name", "shop", workers=2)
    wait_until(lambda: title(server.pid) == "fastfork: arbiter [shop] 2/2 ready", "the arbiter's")
    pids = server.worker_pids()
    for pid in pids:
        wait_until(lambda: title(pid).endswith("idle"), f"{pid} is idle")  # noqa: B023
    shown = {title(pid) for pid in pids}
    assert shown == {f"fastfork: worker {nr} [shop] idle" for nr in range(2)}


def test_worker_that_has_served_since_the_last_look_is_busy(start_server: Starter) -> None:
    server = start_server(APP)
    (pid,) = server.worker_pids()
    seen = set()

    def busy_and_idle() -> bool:
        if not any("busy" in shown for shown in seen):
            assert server.get("/pid").status == 200
        seen.add(title(pid))
        return {"fastfork: worker 0 [supervised:app] busy 1/1"} < seen and any(
            re.search("idle$", shown) for shown in seen
        )

    wait_until(busy_and_idle, lambda: f"busy and idle; seen: {seen}")
