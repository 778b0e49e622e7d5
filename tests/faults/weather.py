"""A server whose system calls fail now and then (shim.c), and clients that check every byte.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import os
import random
import ssl
import struct
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.kit.client import Endpoint, RawClient
from tests.kit.programs import compiler
from tests.kit.response import ConnectionEnded, ProtocolViolation, Response
from tests.kit.tls import TlsClient

SHIM = Path(__file__).with_name("shim.c")
CALLS = ("recv", "send", "sendmsg", "accept4", "epoll_wait", "sendfile", "malloc")
PATTERN = b"0123456789abcdef" * (1 << 16)  # 1 MiB of what worker_plain's /stream and /file send
HELLO = "GET /hello?{} HTTP/1.1\r\nHost: h\r\n\r\n"
A_NEW_ONE = 0.2  # share of the things a client does that end its connection
SIZES = (0, 1, 1000, 70_000, (1 << 20) + 1)  # of uploads; the last one goes to a file


class CutOff(Exception):
    """The connection ended or was reset before an answer was complete."""


@dataclass(frozen=True)
class Weather:
    """One call in so many is disturbed, 0 = none; see shim.c."""

    seed: int
    soft: int = 0
    fatal: int = 0
    memory: int = 0

    def environment(self, directory: Path) -> dict[str, str]:
        """Compile the shim into `directory`; the variables that bring it into a server.

        Raises AssertionError with what the compiler said.
        """
        library = directory / "shim.so"
        done = subprocess.run(
            [*compiler(), "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror",
             "-o", str(library), str(SHIM)],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (directory / "counts").write_bytes(bytes(8 * len(CALLS)))
        return {
            "LD_PRELOAD": str(library),
            "FASTFORK_FAULTS": f"seed={self.seed} soft={self.soft} fatal={self.fatal} "
            f"memory={self.memory}",
            "FASTFORK_FAULTS_COUNTS": str(directory / "counts"),
        }


def disturbed(directory: Path) -> dict[str, int]:
    """How often each call was disturbed until now."""
    numbers = struct.unpack(f"={len(CALLS)}Q", (directory / "counts").read_bytes())
    return dict(zip(CALLS, numbers, strict=True))


def why_not() -> str:
    """Why the shim cannot be used here; '' when it can."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return "AddressSanitizer must be preloaded first, and stands before our calls"
    return ""


# -- what a client does; each returns the number of answers that it has checked


def _hello(client: RawClient, luck: random.Random) -> int:
    text = f"{luck.getrandbits(64):x}"
    _expect(client.request("GET", f"/hello?{text}"), text.encode())
    return 1


def _pipelined(client: RawClient, luck: random.Random) -> int:
    names = [f"{luck.getrandbits(64):x}" for _ in range(luck.randint(2, 20))]
    client.send("".join(HELLO.format(name) for name in names).encode())
    for name in names:
        _expect(client.read_response(), name.encode())
    return len(names)


def _upload(client: RawClient, luck: random.Random) -> int:
    data = luck.randbytes(luck.choice(SIZES))
    fields = [("Expect", "100-continue")] if luck.random() < 0.3 and data else []
    _expect(client.request("POST", "/echo", fields, data), _told(data))
    return 1


def _upload_in_chunks(client: RawClient, luck: random.Random) -> int:
    data = luck.randbytes(luck.choice(SIZES))
    size = luck.choice((max(1, len(data) // 50), 100_000))
    wire = [b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        wire.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    client.send(b"".join([*wire, b"0\r\n\r\n"]))
    _expect(client.read_response(), _told(data))
    return 1


def _stream(client: RawClient, luck: random.Random) -> int:
    blocks = luck.randint(0, 10)
    _expect(client.request("GET", f"/stream/{blocks}"), PATTERN[: blocks << 16])
    return 1


def _file(client: RawClient, luck: random.Random) -> int:
    kib = luck.choice((0, 1, 32, 33, 600))
    _expect(client.request("GET", f"/file/{kib}"), PATTERN[: kib << 10])
    return 1


def _written(client: RawClient, luck: random.Random) -> int:
    _expect(client.request("GET", "/write"), PATTERN + b"end")
    return 1


def _head(client: RawClient, luck: random.Random) -> int:
    _expect(client.request("HEAD", "/file/600"), b"")
    _expect(client.request("HEAD", "/hello?x"), b"")
    return 2


ACTIONS: tuple[Callable[[RawClient, random.Random], int], ...] = (
    _hello, _hello, _hello, _pipelined, _upload, _upload_in_chunks, _stream, _file, _written, _head,
)  # fmt: skip


def _told(data: bytes) -> bytes:
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode()


def _expect(response: Response, body: bytes) -> None:
    if response.status in (500, 507):
        raise CutOff  # no memory for it, said so that it can be understood
    assert response.status == 200, response.raw[:300]
    assert response.body == body, (response.raw[:300], len(response.body), len(body))


# -- the load


def one_client(
    endpoint: Endpoint, seed: int, actions: int, tls: ssl.SSLContext | None = None
) -> Counter[str]:
    """Do so many things, on one connection as long as it lives; `checked` and `cut` counted.

    An answer that is complete and wrong raises AssertionError.  tls: speak that, if given.
    """
    luck = random.Random(seed)
    found: Counter[str] = Counter()
    client: RawClient | None = None
    for _ in range(actions):
        action = luck.choice(ACTIONS)
        try:
            client = client or _connected(endpoint, tls)
            found["checked"] += action(client, luck)
            if luck.random() > A_NEW_ONE:
                continue
        except (ConnectionEnded, CutOff, ConnectionError, ssl.SSLError):
            found["cut"] += 1
        except ProtocolViolation as error:
            if "reset" not in str(error):
                raise
            found["cut"] += 1
        if client is not None:
            client.close()
            client = None
    if client is not None:
        client.close()
    return found


def _connected(endpoint: Endpoint, tls: ssl.SSLContext | None) -> RawClient:
    if tls is None:
        return RawClient(endpoint, timeout=20.0)
    return TlsClient(endpoint, tls, timeout=20.0)


def load(
    endpoint: Endpoint,
    seed: int,
    *,
    clients: int,
    actions: int,
    tls: ssl.SSLContext | None = None,
) -> Counter[str]:
    """So many clients at the same time; the sum of what they found."""
    with ThreadPoolExecutor(clients) as pool:
        seeds = [seed * 1000 + number for number in range(clients)]
        return sum(pool.map(lambda one: one_client(endpoint, one, actions, tls), seeds), Counter())
