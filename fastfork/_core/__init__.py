"""The compiled hot path.  Sources: csrc/.  Python sees it through fastfork.http and workers.

What every worker needs is in one file, `together`: forty would each have pages of their own that
are hardly used, in memory and to be read at each start.  setup.py builds it by the list here.

Runs in: both
"""

from __future__ import annotations

import os
import sys
from _imp import extension_suffixes
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# Those that have a file of their own, since a worker has them only when a setting asks for it.
APART: Final = frozenset(
    {
        *("asgi", "asgicall", "asgisend", "asgistep", "inflight", "looplag", "taskboard", "wscall"),
        *("websocket", "wsmessages", "wsdeflate", "wshandshake", "greenlets"),
        *("http2", "http2connection", "http2protocol", "http2reader", "http2receiver"),
        *("http2requests", "http2stream"),
        *("static", "representations", "conditions", "reader", "debugger"),
    }
)
FOLDERS: Final = frozenset({"loop", "conn", "http", "apps"})


class Together:
    """Finds modules in the file that has many of them (sys.meta_path)."""

    def __init__(self, folder: str) -> None:
        paths = [os.path.join(folder, f"together{suffix}") for suffix in extension_suffixes()]
        self._path = next(filter(os.path.exists, paths), None)

    def find_spec(
        self,
        name: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Where `name` is; None when it is not ours, or nothing is built."""
        package, _, module = name.rpartition(".")
        is_ours = package == __name__ or package.startswith(f"{__name__}.")
        if not is_ours or module in APART or module in FOLDERS or self._path is None:
            return None
        spec = ModuleSpec(name, ExtensionFileLoader(name, self._path), origin=self._path)
        spec.has_location = True
        return spec


sys.meta_path.insert(0, Together(os.path.dirname(__file__)))
