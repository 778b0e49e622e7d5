"""A tree of static files, and the compiled part that answers for it, without a server.

Runs in: cli
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from fastfork._core.apps.static import StaticFiles, answer_to
from fastfork.config.kinds.static import HASHED
from fastfork.http import error_page
from fastfork.static.mounts import describing

OLD = 1_600_000_000  # seconds since 1970; long ago
CSS = b"body {}\n" * 40
LARGE = 64 << 10  # bytes: more than is read into memory
SECRET = b"not for anybody"

Fields = dict[str, str]


class Site:
    """A tree of files, and what answers for it.

    Below root: css/app.css with variants, page/index.html, large.bin, empty.txt, links and files
    that are none.  Beside it: `outside`.
    """

    def __init__(self, top: Path) -> None:
        self.root = top / "root"
        self.lines: list[str] = []
        (self.root / "css").mkdir(parents=True)
        (self.root / "page").mkdir()
        (self.root / "bare").mkdir()
        (self.root / ".well-known").mkdir()
        self.write("css/app.css", CSS)
        self.write("page/index.html", b"<p>page")
        self.write("large.bin", bytes(LARGE))
        self.write("empty.txt", b"")
        self.write(".secret", SECRET)
        self.write(".well-known/security.txt", b"Contact: a@b\n")
        self.write("na\xefve file.txt", b"latin")
        (top / "outside").write_bytes(SECRET)
        os.symlink("css/app.css", self.root / "inside.css")
        os.symlink("../outside", self.root / "outside.txt")
        os.symlink("..", self.root / "up")
        os.mkfifo(self.root / "fifo")

    def write(self, name: str, data: bytes, *, at: float = OLD) -> Path:
        """Make a file; at: seconds since 1970."""
        path = self.root / name
        path.write_bytes(data)
        os.utime(path, (at, at))
        return path

    def files(self, *mounts: tuple[str, str], **options: Any) -> StaticFiles:
        """What answers; the root below /static without `mounts`."""
        logger = logging.Logger("test of static files")
        logger.addHandler(_Noting(self.lines))
        return StaticFiles(
            list(mounts) or [("/static", str(self.root))],
            describe=describing(HASHED, 0, {"*.woff2": {"Access-Control-Allow-Origin": "*"}}),
            pages=error_page,
            log=logger,
            **options,
        )


class _Noting(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Got:
    """An answer.  status: 0 where the application is asked."""

    def __init__(self, files: StaticFiles, path: str, method: str, fields: Fields) -> None:
        environ = {
            "REQUEST_METHOD": method,
            "RAW_URI": path,
            "PATH_INFO": unquote_to_bytes(path.partition("?")[0]).decode("latin-1"),
            "SCRIPT_NAME": "",
            **{f"HTTP_{name.upper().replace('-', '_')}": text for name, text in fields.items()},
        }
        found = answer_to(files, environ)
        self.status, self.fields, self.body = 0, Fields(), b""
        if found is not None:
            line, pairs, body = found
            self.status, self.fields = int(line[:3]), dict(pairs)
            assert len(self.fields) == len(pairs), "a field comes twice"
            self.body = body if isinstance(body, bytes) else b"%d+%d" % body


def ask(files: StaticFiles, path: str, method: str = "GET", **fields: str) -> Got:
    """fields: their names with underscores for dashes."""
    return Got(files, path, method, {name.replace("_", "-"): text for name, text in fields.items()})
