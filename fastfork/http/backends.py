"""Which parser reads request heads, and within which limits.

Runs in: both
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from fastfork.errors import ConfigError
from fastfork.records import record

if TYPE_CHECKING:
    from fastfork._core.http.parsers import HeadParser

# Name of the setting's value -> class in fastfork._core.http.parsers.
BACKENDS: Final[Mapping[str, str]] = MappingProxyType(
    {"httptools": "HttptoolsParser", "native": "HeadParser"}
)


@record(frozen=True, kw_only=True)
class Limits:
    """What a request head may measure; 0 = no limit.

    line: bytes of the request line.  fields: number of fields.  field_size: bytes of one
    field line with its line end.  head: bytes of the whole head.
    """

    line: int = 8190
    fields: int = 100
    field_size: int = 8190
    head: int = 256 << 10


# Setting -> its bit in csrc/http1/scan.h.
OPTION_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "permit_obsolete_folding": 1,
        "strip_header_spaces": 2,
        "permit_unconventional_http_method": 4,
        "casefold_http_method": 8,
        "permit_unconventional_http_version": 16,
    }
)
REFUSE_UNDERSCORE: Final = 32


@record(frozen=True, kw_only=True)
class Leniency:
    """What a server may be told to take beyond the rules; by default nothing.

    The names are those of the settings, which say what each does.  header_map: drop, refuse
    or dangerous.
    """

    header_map: str = "drop"
    permit_obsolete_folding: bool = False
    strip_header_spaces: bool = False
    permit_unconventional_http_method: bool = False
    permit_unconventional_http_version: bool = False
    casefold_http_method: bool = False

    @property
    def options(self) -> int:
        """As the compiled parsers take it."""
        bits = sum(bit for name, bit in OPTION_BITS.items() if getattr(self, name))
        return bits | (REFUSE_UNDERSCORE if self.header_map == "refuse" else 0)


STRICT: Final = Leniency()


def resolve_parser(name: str) -> str:
    """The backend that `name` (auto, httptools or native) means here.

    Raises ConfigError for a name that is not in BACKENDS, or httptools where it is missing.
    """
    has_httptools = importlib.util.find_spec("httptools") is not None
    if name == "auto":
        return "httptools" if has_httptools else "native"
    if name not in BACKENDS:
        raise ConfigError(f"http_parser: {name!r} is none of: auto, {', '.join(BACKENDS)}")
    if name == "httptools" and not has_httptools:
        raise ConfigError(
            "http_parser: httptools is not installed; type `pip install httptools`, "
            "or use --http-parser native"
        )
    return name


def make_head_parser(
    backend: str, limits: Limits, max_body: int, leniency: Leniency = STRICT
) -> HeadParser:
    """A compiled head parser.  backend: a key of BACKENDS; max_body: bytes, 0 = no limit."""
    from fastfork._core.http import parsers

    made: HeadParser = getattr(parsers, BACKENDS[backend])(
        line=limits.line,
        fields=limits.fields,
        field_size=limits.field_size,
        head=limits.head,
        max_body=max_body,
        options=leniency.options,
    )
    return made


def load_parser(backend: str) -> None:
    """Import what it is made of: before the first fork, so that it is in memory once.

    Raises ConfigError when that is broken.
    """
    try:
        make_head_parser(backend, Limits(), 0)
    except ImportError as error:
        raise ConfigError(
            f"http_parser: {backend!r} cannot be imported: {error}; install httptools again, or "
            "use native"
        ) from None
