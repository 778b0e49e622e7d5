"""The corpus over a socket: what a client must see of a case, and three ways to send it.

A server with the settings of the case runs tests/apps/mirror.py; each `Want` is compared with
the environ that the application got.  What follows a request that closes, or a refusal, must
never be answered: every case has one more request behind it.

Runs in: cli
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import termios
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fastfork.http import error_page
from tests.kit.client import RawClient
from tests.kit.response import ProtocolViolation, Response
from tests.kit.server import Fleet, RunningServer
from tests.kit.waiting import DEADLINE
from tests.wire.case import SETTINGS, Case, Want, get
from tests.wire.feeding import drive

BEHIND = get()
# Byte by byte only near the ends of a long input, where the rules are; pieces between.
NEAR_THE_ENDS = 400
PIECE = 997
CUTS = 12


class Farm:
    """One running server at a time, with one parser and the settings of a case.

    app, options: of all of them.
    """

    def __init__(self, files: Path, parser: str, *options: str, app: str = "mirror:app") -> None:
        self.files, self.parser = files, parser
        self.app, self.options = app, options
        self._fleet: Fleet | None = None
        self._settings: Mapping[str, object] | None = None
        self._server: RunningServer | None = None
        self._workers: list[int] = []
        self._count = 0

    def server(self, settings: Mapping[str, object]) -> RunningServer:
        """A server with these settings: on TCP, and on the unix socket `unix_path`."""
        if self._server is None or settings != self._settings:
            self.finish()
            self._count += 1
            directory = self.files / f"{self.parser}-{self._count}"
            directory.mkdir()
            self._fleet, self._settings = Fleet(directory), settings
            lines = [f"{SETTINGS.get(name, name)} = {v!r}" for name, v in settings.items()]
            self._server = self._fleet.start(
                self.app,
                *self.options,
                *("--bind", "127.0.0.1:0", "--bind", f"unix:{self.unix_path}"),
                *("--http-parser", self.parser, "--keep-alive", "60"),
                *("--access-logfile", "access.log"),
                config="\n".join([*lines, ""]),
            )
            self._workers = self._server.worker_pids()
        return self._server

    @property
    def unix_path(self) -> str:
        """The path of the unix socket of the server that runs now."""
        return str(self.files / f"{self.parser}-{self._count}" / "socket")

    def finish(self) -> None:
        """End the server and check what it left, also in its logs."""
        if self._fleet is None or self._server is None:
            return
        fleet, server = self._fleet, self._server
        self._fleet = self._server = None
        assert server.worker_pids() == self._workers, "a worker died"
        fleet.finish()
        for log in server.files.glob("*.log"):
            # A byte of a request that is not escaped could end a line, or ring the terminal.
            strange = set(log.read_bytes()) - set(range(0x20, 0x7F)) - {0x0A}
            assert not strange, f"{log}: {sorted(strange)}"


# -- sending


def at_once(client: RawClient, raw: bytes) -> None:
    """Everything with one send(2)."""
    client.send(raw)


def paced(client: RawClient, pieces: Iterable[bytes]) -> bool:
    """Each piece when the server has received the one before; unix sockets only.

    Stops, and returns False, when the server has closed.
    """
    for piece in pieces:
        try:
            client.sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return False
        deadline = time.monotonic() + DEADLINE
        while _unread(client):
            assert time.monotonic() < deadline, f"the server does not read {piece[:100]!r}"
            os.sched_yield()  # it may be waiting for this processor
    return True


def _unread(client: RawClient) -> int:
    """Bytes (and their overhead) that the other end has not received yet (unix(7), SIOCOUTQ)."""
    answer = fcntl.ioctl(client.sock, termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


def byte_by_byte(raw: bytes) -> Iterator[bytes]:
    """Single bytes, and longer pieces in the middle of long inputs."""
    start = 0
    while start < len(raw):
        near = start < NEAR_THE_ENDS or start >= len(raw) - NEAR_THE_ENDS
        end = start + 1 if near else min(start + PIECE, len(raw) - NEAR_THE_ENDS)
        yield raw[start:end]
        start = end


def cuts(raw: bytes) -> list[int]:
    """Where to cut in two: around line ends, and at both ends of the input."""
    places = {1, len(raw) // 2, len(raw) - 1}
    at = raw.find(b"\r\n")
    while at >= 0 and len(places) < 4 * CUTS:
        places |= {at, at + 1, at + 2}
        at = raw.find(b"\r\n", at + 2)
    inside = sorted(place for place in places if 0 < place < len(raw))
    return inside[:: len(inside) // CUTS + 1]


# -- reading


def answered(case: Case) -> tuple[tuple[Want, ...], str]:
    """(The requests that get an answer, how the connection goes on).

    That is "open", "closed" after the last of them, "refused", or what the end of input in
    the middle of a request brings: "silence" in a head, "broken" in a body.
    """
    for number, want in enumerate(case.wants, 1):
        if not want.keep_alive:
            return case.wants[:number], "closed"
    if case.status:
        return case.wants, "refused"
    if case.complete:
        return (*case.wants, Want()), "open"
    begun = drive("native", [case.raw], case.settings).unfinished
    return case.wants, "broken" if begun else "silence"


def check(case: Case, client: RawClient, *, paced_bytes: bool = False) -> None:
    """Read what comes and compare all of it with the case.

    paced_bytes: the body came after its head, so `100 Continue` was called for.
    """
    wants, how = answered(case)
    for want in wants:
        response = client.read_response(want.method)
        interim = [one.status for one in response.interim]
        assert interim == ([100] if paced_bytes and want.expect_continue else [])
        assert response.status == 200, response.raw[:300]
        seen = json.loads(response.get("mirror") or "{}")
        assert not list(differences(want, seen, keeps_underscores(case)))
        assert response.closes == (not want.keep_alive)
    if how in ("refused", "broken"):
        check_refusal(client.read_response(), case.status or 400)
    if how == "open":
        return
    try:
        client.expect_end()
    except ProtocolViolation as error:
        # Who asks for the end and then sends more may be reset once the answer is there.
        if how != "closed" or "reset" not in str(error):
            raise


def check_refusal(response: Response, status: int) -> None:
    """The page of this status, with the fields that it must have, and no byte of the request."""
    line, page = error_page(status)
    assert f"{response.status} {response.reason}" == line, response.raw
    assert response.body == page
    assert [name for name, _ in response.fields] == [
        "Content-Type", "Content-Length", "Connection", "Server", "Date",
    ]  # fmt: skip
    assert (response.framing, response.get("connection")) == ("length", "close")
    assert response.get("server") == "fastfork"
    assert (response.get("date") or "").endswith(" GMT")


def keeps_underscores(case: Case) -> bool:
    """Do fields with an underscore in their name reach the application?"""
    return case.settings.get("header_map") == "dangerous"


def differences(want: Want, seen: Mapping[str, Any], underscores: bool) -> Iterator[str]:
    """How the environ differs from the want, a line each."""
    wanted = {
        "REQUEST_METHOD": want.method,
        "PATH_INFO": want.path,
        "QUERY_STRING": want.query,
        "SERVER_PROTOCOL": "HTTP/{}.{}".format(*want.version),
        "body": [len(want.body), hashlib.sha256(want.body).hexdigest()],
        "HTTP_TRANSFER_ENCODING": None,
    }
    if want.target is not None:
        wanted["RAW_URI"] = want.target.decode("latin-1")
    if want.authority is not None:
        wanted["HTTP_HOST"] = want.authority.decode("latin-1")
    if want.fields is not None:
        wanted |= as_environ(want.fields, underscores)
    for key, value in wanted.items():
        if seen.get(key) != value:
            yield f"{key} is {seen.get(key)!r}, not {value!r}"
    length = len(want.body) if want.chunked else want.content_length
    given = seen.get("CONTENT_LENGTH")
    if (None if given is None else int(given)) != length:
        yield f"CONTENT_LENGTH is {given!r}, not {length!r}"


def as_environ(fields: Iterable[tuple[bytes, bytes]], underscores: bool) -> dict[str, str | None]:
    """Fields as environ keys: joined in order; None for one that must not be there."""
    found: dict[str, str | None] = {}
    for name, value in fields:
        if (b"_" in name and not underscores) or name.lower() == b"proxy":
            found.setdefault("HTTP_" + name.decode("ascii").upper().replace("-", "_"), None)
            continue
        key = name.decode("ascii").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        between = "; " if key == "HTTP_COOKIE" else ","
        before = found.get(key)
        found[key] = text if before is None else f"{before}{between}{text}"
    return found
