"""What /proc says about processes and their descriptors.  Linux only, as the server tests are.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

LOOK = 0.02  # seconds between two looks at a process that should be asleep


def children(pid: int) -> list[int]:
    """Pids of the live children of `pid`, oldest first.  Zombies are not counted."""
    return [child for child in _all() if _parent(child) == pid]


def in_session(session: int) -> list[int]:
    """Pids of every process of a session that is not a zombie."""
    found = []
    for pid in _all():
        fields = _stat(pid)
        if fields and fields[0] != "Z" and int(fields[3]) == session:
            found.append(pid)
    return found


def alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def rests(pid: int) -> bool:
    """Whether `pid` sleeps and used no processor since just before; True when it is gone."""
    before = _switches(pid)
    time.sleep(LOOK)
    fields = _stat(pid)
    return not fields or (fields[0] == "S" and _switches(pid) == before)


def _switches(pid: int) -> str:
    """How often the kernel took the processor from `pid` or got it back (proc(5))."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return status[status.find("voluntary_ctxt_switches") :]


def waits(pid: int) -> int:
    """How often the threads of `pid` that are there now have begun to wait (proc(5))."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)
            count += int(found[1]) if found else 0
    return count


def threads(pid: int) -> list[str]:
    """The names of the threads of `pid`."""
    return sorted(name.read_text().strip() for name in Path(f"/proc/{pid}/task").glob("*/comm"))


def descriptors(pid: int) -> list[str]:
    """What the open descriptors of `pid` refer to, sorted; [] when it is gone."""
    found = []
    directory = Path(f"/proc/{pid}/fd")
    try:
        for link in directory.iterdir():
            try:
                found.append(f"{link.name} -> {os.readlink(link)}")
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        return []
    return sorted(found)


def listening_at(port: int) -> list[int]:
    """The processes that have a listening TCP socket at this port, proc_net_tcp(5)."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{words[9]}]")
    return [pid for pid in _all() if inodes & _open_in(pid)]


def uses(pid: int, folder: Path) -> bool:
    """Whether the process is in this directory or has a file in it open."""
    return any(place.startswith(str(folder)) for place in _open_in(pid))


def _open_in(pid: int) -> set[str]:
    """Where a process is and what it has open, as far as that is ours to know."""
    found = set()
    for link in (Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").glob("*")):
        with suppress(OSError):
            found.add(os.readlink(link))
    return found


def _all() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields and fields[0] != "Z" else -1


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on (proc(5): state ppid pgrp session ...)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """Processor seconds that `pid` has used, all threads: its own clock, exact.

    clock_getcpuclockid(3) makes the number like this.  Raises OSError when it is gone.
    """
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int) -> int:
    """Bytes of memory of `pid`; what it shares with others is counted in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no Pss for {pid}")


def sockets(pid: int) -> int:
    """Sockets that `pid` holds, its listeners among them."""
    return sum("socket:[" in line for line in descriptors(pid))
