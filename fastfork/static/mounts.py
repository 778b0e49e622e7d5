"""From the settings to the compiled part: directories, and what is said of the files below them.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from logging import Logger

    from fastfork._core.apps.static import StaticFiles
    from fastfork.config import Config

__all__ = ["INDEX", "describing", "static_files"]

INDEX: Final = "index.html"
# RFC 8246: not asked for again even when the page is reloaded.  A year is what RFC 2616 took for
# "never expires", and what caches have as their limit.
IMMUTABLE: Final = "public, max-age=31536000, immutable"
# Kept, and asked for each time whether it is still so.
REVALIDATE: Final = "no-cache"
# A browser shall not guess that something uploaded as an image is a script.
NOSNIFF: Final = ("X-Content-Type-Options", "nosniff")

Fields = list[tuple[str, str]]
Facts = tuple[str, Fields, Fields, bool]


def static_files(
    cfg: Config, script: str, pages: Callable[[int], tuple[str, bytes]], log: Logger
) -> StaticFiles | None:
    """Return what answers requests for files, None without `static_path`.

    script: the path that the application is below, '' for none.  A directory is resolved now: a
    link that leads elsewhere later is seen by the next workers.  Raises OSError.
    """
    if not cfg.static_path:
        return None
    from fastfork._core.apps.static import StaticFiles  # here, as below

    return StaticFiles(
        [
            (prefix.encode().decode("latin-1"), os.path.join(cfg.chdir, directory))
            for prefix, directory in cfg.static_path.items()
        ],
        describe=describing(cfg.static_immutable, int(cfg.static_max_age), cfg.static_fields),
        pages=pages,
        log=log,
        script=script,
        index=INDEX if cfg.static_index else None,
        follows=cfg.static_follow,
        is_logged=cfg.static_access_log,
    )


def describing(
    immutable: str | None, max_age: int, fields: Mapping[str, Mapping[str, str]]
) -> Callable[[str], Facts]:
    """Return what is said of a file, by its path (as in PATH_INFO).

    immutable: regular expression that finds a hash in a path, None for never.  max_age: seconds,
    for all others.  fields: pattern of paths -> fields that are added, or take the place of ours.
    """
    # Here: most servers have no static files.
    import re
    from fnmatch import translate

    from fastfork.static.mediatypes import gains_nothing, media_type

    has_hash = re.compile(immutable) if immutable else None
    patterns = [(re.compile(translate(pattern)), more) for pattern, more in fields.items()]
    usual = f"public, max-age={max_age}" if max_age else REVALIDATE

    def describe(path: str) -> Facts:
        # Patterns are written as text, a path comes as bytes.
        text = path.encode("latin-1").decode(errors="surrogateescape")
        extras: dict[str, str] = {}
        for pattern, more in patterns:
            if pattern.match(text):
                extras |= more
        taken = {name.lower() for name in extras}
        lasts = has_hash is not None and has_hash.search(text) is not None
        common = [("Cache-Control", IMMUTABLE if lasts else usual), NOSNIFF]
        kind = media_type(text)
        for name in list(extras):
            if name.lower() == "content-type":
                kind = extras.pop(name)
        kept = [(name, value) for name, value in common if name.lower() not in taken]
        caches = [(name, value) for name, value in extras.items() if name.lower() in OF_CONTENT]
        others = [(name, value) for name, value in extras.items() if name.lower() not in OF_CONTENT]
        return kind, others, kept + caches, not gains_nothing(text)

    return describe


# Fields that say something of the file, and nothing of an error page in its place.
OF_CONTENT: Final = ("cache-control", "expires", "content-disposition", "content-language")
