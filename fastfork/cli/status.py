"""`fastfork status`: what the server on this host is doing, in a terminal.

Asks /status.json at `admin_bind`; rich draws it where it is installed, else it is plain text.

Runs in: cli
"""

from __future__ import annotations

import argparse
import http.client
import importlib
import json
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from fastfork import address, config
from fastfork.address import Address, TcpAddress, UnixAddress
from fastfork.config import SETTINGS
from fastfork.errors import BadAddress, ConfigError, OptionError, StartError

__all__ = ["COMMAND", "USAGE", "parser", "status"]

COMMAND: Final = "status"
USAGE: Final = "fastfork status [ADDRESS] [--watch] [--json] [--config FILE]"
PATIENCE: Final = 5.0  # seconds
LARGEST: Final = 16 << 20  # bytes of an answer
EVERY: Final = 1.0  # seconds
COLUMNS: Final = ("worker", "pid", "state", "busy", "connections", "requests", "memory", "serves")
LAG: Final = "loop lag"  # ... and before the last one, where a worker has an asyncio loop
LEFT: Final = ("state", "serves")  # the columns that are no numbers


class _Parser(argparse.ArgumentParser):
    """Raises OptionError instead of leaving the process."""

    def __init__(self) -> None:
        super().__init__(
            prog="fastfork status",
            usage=USAGE,
            description="What a running server does.  It must have admin_bind.",
            allow_abbrev=False,
        )
        self.add_argument("address", nargs="?", metavar="ADDRESS", help="the server's admin_bind")
        self.add_argument("--watch", action="store_true", help="show it anew every second")
        self.add_argument("--json", action="store_true", help="print the facts as JSON")
        for name, metavar in (("admin_bind", "ADDRESS"), ("config", "FILE")):
            spec = SETTINGS[name]
            self.add_argument(*spec.flags, dest=name, metavar=metavar, help=spec.help)

    def error(self, message: str) -> NoReturn:
        """Raise OptionError: argparse would leave the process."""
        raise OptionError(f"{message}; {USAGE}")


def parser() -> argparse.ArgumentParser:
    """Return what reads the words behind `fastfork status`."""
    return _Parser()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket that has a file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def status(words: Sequence[str]) -> int:
    """Show what `words`, what follows `fastfork status`, ask for.  The exit code.

    Raises OptionError for bad usage, ConfigError when nobody says where to ask, StartError when
    there is no answer.
    """
    options = vars(parser().parse_args(words))
    if options["address"] and options["admin_bind"]:
        raise OptionError(f"the address is written once; {USAGE}")
    options["admin_bind"] = options["admin_bind"] or options["address"]
    where = _where({name: options[name] for name in ("admin_bind", "config") if options[name]})
    if options["json"]:
        print(json.dumps(fetch(where), indent=1))
        return 0
    found = fetch(where)  # the first time it must be there
    try:
        console = importlib.import_module("rich.console").Console()
    except ImportError:
        return _plainly(where, found, options["watch"])
    if not options["watch"]:
        console.print(picture(found))
        return 0
    return _watch(where, found, console)


def _plainly(where: Address, found: dict[str, Any], watch: bool) -> int:
    """Print it as text, once or each second until Ctrl-C."""
    print(text(found))
    try:
        while watch:
            time.sleep(EVERY)
            try:
                print(f"\n{text(fetch(where))}")
            except StartError as error:
                print(error)
    except KeyboardInterrupt:
        pass
    return 0


def _watch(where: Address, found: dict[str, Any], console: Any) -> int:
    """Show it again and again, until Ctrl-C."""
    live = importlib.import_module("rich.live").Live(picture(found), console=console, screen=False)
    try:
        with live:
            while True:
                time.sleep(EVERY)
                try:
                    live.update(picture(fetch(where)), refresh=True)
                except StartError as error:
                    live.update(str(error), refresh=True)
    except KeyboardInterrupt:
        return 0


def _where(options: dict[str, object]) -> Address:
    """Return the first address of `admin_bind`, as typed or as in the config file here."""
    if isinstance(typed := options.get("admin_bind"), str):
        try:
            return address.parse(typed)
        except BadAddress as error:
            raise OptionError(f"the address of status: {error}") from None
    loaded = config.load(options, dict(os.environ), Path.cwd())
    if not loaded.config.admin_bind:
        raise ConfigError("admin_bind: not set here; write fastfork status ADDRESS")
    return address.parse(loaded.config.admin_bind[0])


def fetch(where: Address) -> dict[str, Any]:
    """Return the facts.  Raises StartError with one line."""
    if isinstance(where, UnixAddress):
        connection: http.client.HTTPConnection = _UnixConnection(where.path)
    elif isinstance(where, TcpAddress):
        host = "127.0.0.1" if where.host == address.ANY_IPV4 else where.host
        connection = http.client.HTTPConnection(host, where.port, timeout=PATIENCE)
    else:
        raise OptionError(f"{where} cannot be asked; write HOST:PORT or unix:PATH")
    try:
        connection.request("GET", "/status.json")
        answer = connection.getresponse()
        found = json.loads(answer.read(LARGEST))
    except OSError as error:
        raise StartError(f"{where}: {error.strerror or error}; does the server run?") from None
    except (http.client.HTTPException, ValueError):
        raise StartError(f"{where} answers, but is no admin_bind of fastfork") from None
    finally:
        connection.close()
    if answer.status != http.client.OK or not isinstance(found, dict) or "workers" not in found:
        raise StartError(f"{where} answers, but is no admin_bind of fastfork")
    return found


def picture(found: dict[str, Any]) -> Any:
    """Return the facts as rich draws them."""
    table_of: Any = importlib.import_module("rich.table").Table
    text_of: Any = importlib.import_module("rich.text").Text
    group_of: Any = importlib.import_module("rich.console").Group
    table = table_of(box=importlib.import_module("rich.box").SIMPLE, pad_edge=False)
    columns, *rows = _table(found)
    for name in columns:
        justify = "left" if name in LEFT else "right"
        table.add_column(name, justify=justify, no_wrap=name != COLUMNS[-1])
    for row in rows:
        table.add_row(*(text_of(cell) for cell in row))
    return group_of(text_of(_headline(found)), table, text_of("\n".join(_ends(found))))


def text(found: dict[str, Any]) -> str:
    """Return the facts as a table of plain text."""
    rows = _table(found)
    columns = rows[0][:-1]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    lines = [_headline(found), ""]
    for row in rows:
        cells = [
            cell.ljust(width) if name in LEFT else cell.rjust(width)
            for name, cell, width in zip(columns, row[:-1], widths, strict=True)
        ]
        first, *more = row[-1].split("\n")
        lines.append("  ".join([*cells, first]).rstrip())
        indent = " " * (sum(widths) + 2 * len(widths))
        lines += [indent + line for line in more]
    return "\n".join([*lines, *([""] if found["ends"] else []), *_ends(found)])


def _ends(found: dict[str, Any]) -> list[str]:
    return [
        f"{time.strftime('%H:%M:%S', time.localtime(end['at']))} worker {end['worker']} ended: "
        f"{end['reason']} (pid: {end['pid']})"
        for end in found["ends"][:5]
    ]


def _headline(found: dict[str, Any]) -> str:
    ready = sum(worker["state"] in ("ready", "spent") for worker in found["workers"])
    parts = [
        f"{found['name']}: {found['state']}",
        f"{ready}/{found['workers_wanted']} workers",
        f"{found['accept_queue']['waiting']} wait to be accepted",
    ]
    if lately := found["lately"]:
        parts.append(f"{lately['requests_per_second']:.4g} requests/s")
        parts.append(f"p99 {lately['p99_seconds'] * 1000:.3g} ms")
    return ", ".join(parts)


def _table(found: dict[str, Any]) -> list[list[str]]:
    """Return the names of columns, and the cells of each worker."""
    rows = [list(COLUMNS), *(_cells(worker) for worker in found["workers"])]
    lags = [worker.get("loop_lag_seconds") for worker in found["workers"]]
    if any(lag is not None for lag in lags):
        rows[0].insert(-1, LAG)
        for row, lag in zip(rows[1:], lags, strict=True):
            row.insert(-1, "-" if lag is None else f"{lag * 1000:.3g} ms")
    return rows


def _cells(worker: dict[str, Any]) -> list[str]:
    serving = [f"{one['line']} ({one['seconds']:.1f} s)" for one in worker["serving"]]
    return [
        str(worker["nr"]),
        str(worker["pid"]),
        str(worker["state"]),
        f"{worker['threads_busy']}/{worker['threads']}",
        str(worker["connections"]),
        str(worker["requests"]),
        f"{worker['resident_bytes'] / 2**20:.1f} MiB",
        "\n".join(serving),
    ]
