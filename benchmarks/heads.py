"""The requests that are sent: as bytes, so that every tool sends the same ones.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP/1.1 request; `fields` come after Host, which every request has."""

    method: str = "GET"
    target: str = "/"
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def wire(self, host: str) -> bytes:
        """The bytes for the server at `host` (HOST:PORT)."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + self.body


# What wrk makes by itself: a request line and Host.
PLAIN = Request()

_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)

# What a desktop browser sends with a click on a link: 15 fields with Host, about 730 bytes.
BROWSER = Request(
    target="/?q=prefork+server&page=2&sort=date",
    fields=(
        ("Connection", "keep-alive"),
        ("Cache-Control", "max-age=0"),
        ("sec-ch-ua", '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", '"Linux"'),
        ("Upgrade-Insecure-Requests", "1"),
        ("User-Agent", _AGENT),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
        ("Cookie", "sessionid=9f1c2a7be4d04a6f8e3b5c7d; csrftoken=Vb3kQ9x2; theme=dark"),
    ),
)

ECHO = Request(
    method="POST",
    target="/echo",
    fields=(("Content-Type", "application/octet-stream"),),
    body=bytes(range(32, 96)) * KIB,
)
