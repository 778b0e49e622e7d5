"""The requests that are sent: as bytes, so that every tool sends the same ones.

Runs in: cli
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

KIB = 1024
NUMBER = "{number}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP/1.1 request; `fields` come after Host, which every request has.  `NUMBER` in a
    value stands for the number of the request."""

    method: str = "GET"
    target: str = "/"
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def wire(self, host: str, number: int = 0) -> bytes:
        """The bytes for the server at `host` (HOST:PORT)."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value.replace(NUMBER, f'{number:08}')}" for name, value in self.fields]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + self.body


# What wrk makes by itself: a request line and Host.
PLAIN = Request()

_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)

_BRANDS = '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'
_COOKIE = "sessionid=9f1c2a7be4d04a6f8e3b5c7d; csrftoken=Vb3kQ9x2; theme=dark"


def _click(target: str, *more: tuple[str, str]) -> Request:
    """What a desktop browser sends with a click on a link; `more` come last."""
    return Request(
        target=target,
        fields=(
            ("Connection", "keep-alive"),
            ("Cache-Control", "max-age=0"),
            ("sec-ch-ua", _BRANDS),
            ("sec-ch-ua-mobile", "?0"),
            ("sec-ch-ua-platform", '"Linux"'),
            ("Upgrade-Insecure-Requests", "1"),
            ("User-Agent", _AGENT),
            (
                "Accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
            ),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
            *more,
        ),
    )


def _part(target: str, accept: str, dest: str, page: str, cookie: str) -> Request:
    """What it sends for an image of a page, or for a script of it that fetches something."""
    return Request(
        target=target,
        fields=(
            ("Connection", "keep-alive"),
            ("sec-ch-ua-platform", '"Linux"'),
            ("User-Agent", _AGENT),
            ("sec-ch-ua", _BRANDS),
            ("sec-ch-ua-mobile", "?0"),
            ("Accept", accept),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "no-cors" if dest == "image" else "cors"),
            ("Sec-Fetch-Dest", dest),
            ("Referer", f"https://shop.example{page}"),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
            ("Cookie", cookie),
        ),
    )


# 15 fields with Host, about 730 bytes.
BROWSER = _click("/?q=prefork+server&page=2&sort=date", ("Cookie", _COOKIE))
# The same, each time of somebody who was never there before.
STRANGER = _click(
    "/?q=prefork+server&page=2&sort=date",
    ("Cookie", f"sessionid=9f1c2a7be4d04a6f{NUMBER}; csrftoken=Vb3kQ9x2; theme=dark"),
)


def _mix() -> Iterator[Request]:
    """What fifty users send who look at two pages each, in an order by chance.

    A page is one click, four images and two fetches.  The order is the same in every run, and
    who asks has nothing to do with the connection, as behind a proxy."""
    chance = random.Random(50)
    for _user in range(50):
        cookie = f"sessionid={chance.getrandbits(96):024x}; csrftoken={chance.getrandbits(48):x}"
        pages = [f"/list/{chance.randrange(1000)}?page={number}" for number in (1, 2)]
        for page, before in zip(pages, ("/", pages[0]), strict=True):
            yield _click(page, ("Referer", f"https://shop.example{before}"), ("Cookie", cookie))
            for _ in range(4):
                picture = f"/media/{chance.getrandbits(32):08x}.webp"
                yield _part(picture, "image/avif,image/webp,*/*;q=0.8", "image", page, cookie)
            for number in range(2):
                yield _part(f"/api/items?after={number}", "*/*", "empty", page, cookie)


def _shuffled(requests: Iterable[Request]) -> tuple[Request, ...]:
    mixed = list(requests)
    random.Random(1).shuffle(mixed)
    return tuple(mixed)


MIX = _shuffled(_mix())
PAGE = _click("/page", ("Cookie", _COOKIE))
JSON = Request(target="/json")

ECHO = Request(
    method="POST",
    target="/echo",
    fields=(("Content-Type", "application/octet-stream"),),
    body=bytes(range(32, 96)) * KIB,
)
