"""h11 as a second opinion on the first request of some bytes.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

import h11

from tests.wire.feeding import Outcome

ROOM = 1 << 20  # bytes h11 may keep of a head; its own default is 16 KiB


@dataclass(frozen=True)
class First:
    """The first request as somebody read it.

    verdict: "read" (complete), "waiting" (for more bytes) or "refused".  The rest is empty
    unless it was read; names are in lower case, because h11 keeps no other.
    """

    verdict: str
    method: bytes = b""
    target: bytes = b""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


def ask_h11(raw: bytes) -> First:
    """What h11 makes of the bytes, given all at once."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=ROOM)
    head: h11.Request | None = None
    body = b""
    try:
        connection.receive_data(raw)
        while True:
            match connection.next_event():
                case h11.Request() as head:
                    pass
                case h11.Data() as data:
                    body += bytes(data.data)
                case h11.EndOfMessage():
                    assert head is not None
                    fields = tuple((bytes(name), bytes(value)) for name, value in head.headers)
                    return First("read", head.method, head.target, fields, body)
                case _:
                    return First("waiting")
    except h11.RemoteProtocolError:
        return First("refused")


def first_of(outcome: Outcome) -> First:
    """Our own reading in the same form."""
    if outcome.requests:
        head, body = outcome.requests[0]
        fields = tuple((name.lower(), value) for name, value in head.fields)
        return First("read", head.method.encode("ascii"), head.target, fields, body)
    return First("refused" if outcome.status else "waiting")
