"""What a bug report has to say about the machine and the build: `fastfork --version --verbose`.

Nothing in it is secret: no environment, no settings, no host name.

Runs in: cli
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import fastfork
from fastfork import port

__all__ = ["EXTRAS", "render", "rows"]

# Package -> what it is for.
EXTRAS: Final = {
    "gevent": "gevent workers",
    "setproctitle": "process titles",
    "watchfiles": "--reload by inotify",
    "shtab": "shell completion",
}
# Written by setup.py beside the compiled modules.
BUILD_RECORD: Final = Path(fastfork.__file__).parent / "_core" / "build.json"
ABSENT: Final = "not installed"


def render() -> str:
    """Return the facts, one `name: value` a line."""
    return "".join(f"{name}: {value}\n" for name, value in rows())


def rows() -> Iterator[tuple[str, str]]:
    """Name and value of each fact.  What cannot be found out says so; nothing raises."""
    for name, find in FACTS:
        try:
            yield name, find()
        except Exception as error:  # a broken installation is what reports are about
            yield name, f"cannot be told: {type(error).__name__}: {error}"
    for package, purpose in EXTRAS.items():
        yield package, f"{installed(package)} ({purpose})"


def installed(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ABSENT


def _python() -> str:
    return f"{platform.python_implementation()} {sys.version.replace(chr(10), ' ')}"


def _kernel() -> str:
    found = os.uname()
    return f"{found.sysname} {found.release} {found.machine}"


def _libc() -> str:
    return " ".join(filter(None, platform.libc_ver())) or "unknown (no glibc)"


def _parsers() -> str:
    """Return the parsers that can be used; the first is what `auto` means here."""
    http = importlib.import_module("fastfork.http")
    compiled = importlib.import_module("fastfork._core.http.parsers")
    first = http.resolve_parser("auto")
    usable = [first, *(name for name in http.BACKENDS if name != first)]
    return ", ".join(
        name
        for name in usable
        if hasattr(compiled, http.BACKENDS[name])
        and (name != "httptools" or installed(name) != ABSENT)
    )


def _httptools() -> str:
    found = installed("httptools")
    # httptools tells no version of the llhttp that is compiled into it.
    return found if found == ABSENT else f"{found}, with the llhttp that this release contains"


def _openssl() -> str:
    return str(importlib.import_module("ssl").OPENSSL_VERSION)


def _http2() -> str:
    """The version of the library that HTTP/2 is spoken with, or what a build would need."""
    try:
        compiled = importlib.import_module("fastfork._core.http.http2receiver")
    except ModuleNotFoundError:
        return "not built: libnghttp2 1.52 or newer was not there with its headers"
    return f"libnghttp2 {compiled.VERSION}"


def _build(key: str) -> str:
    return str(json.loads(BUILD_RECORD.read_text(encoding="utf-8"))[key])


FACTS: Final[tuple[tuple[str, Callable[[], str]], ...]] = (
    ("fastfork", lambda: f"{fastfork.__version__} ({Path(fastfork.__file__).parent})"),
    ("python", _python),
    ("executable", lambda: sys.executable),
    ("platform", lambda: platform.platform()),
    ("kernel", _kernel),
    ("libc", _libc),
    ("processors", lambda: str(port.processors())),
    ("parsers", _parsers),
    ("httptools", _httptools),
    ("openssl", _openssl),
    ("http/2", _http2),
    ("compiler", lambda: _build("compiler")),
    ("compiler flags", lambda: _build("flags")),
    ("cython", lambda: _build("cython")),
)
