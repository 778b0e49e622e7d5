"""Checks between the settings of HTTP/2.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..values import Problem

if TYPE_CHECKING:
    from ..settings import Config

__all__ = ["check_http2"]


def check_http2(cfg: Config) -> Iterator[Problem]:
    """Whether HTTP/2 can be spoken here, and to anybody."""
    if "h2" not in cfg.http_protocols:
        if cfg.http2_cleartext != "off":
            yield Problem("http2_cleartext", "needs HTTP/2; set http_protocols to h2,h1 too")
        return
    if importlib.util.find_spec("fastfork._core.http.http2protocol") is None:
        yield Problem(
            "http_protocols",
            "h2 needs libnghttp2, which was not there when fastfork was built; install it with its "
            "headers (Debian and Ubuntu: apt-get install libnghttp2-dev; Alpine: apk add "
            "nghttp2-dev; Red Hat: dnf install libnghttp2-devel) and build fastfork again",
        )
    if cfg.certfile is None and cfg.http2_cleartext == "off":
        yield Problem(
            "http_protocols",
            "h2 is spoken to nobody without certfile, or http2_cleartext=prior-knowledge",
            fatal=False,
        )
