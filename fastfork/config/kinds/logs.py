"""Kinds of value that only settings of logs, metrics and proxies have.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from . import sinks
from .basic import PATHS, BadValue, Kind, choice, complaint

__all__ = [
    "DEFAULT_LOGGER",
    "FACILITY",
    "LOGGER_CLASS",
    "LOG_DICT",
    "NETWORKS",
    "STATSD_ADDRESS",
    "STATSD_PREFIX",
    "STATSD_TAGS",
    "SYSLOG_ADDRESS",
    "URL_PATHS",
    "LoggerClass",
]

LoggerClass = str | type[Any]

DEFAULT_LOGGER: Final = "fastfork.logs.glogging.Logger"
# gunicorn's own two loggers, under the names that its users write.
_SAME_LOGGER: Final = frozenset(
    {
        "",
        "simple",
        "gunicorn.glogging.Logger",
        "gunicorn.instrument.statsd.Statsd",
        "egg:gunicorn#simple",
    }
)
EVERYBODY: Final = "*"


def _log_dict(value: object) -> dict[str, Any] | None:
    """Return a mapping, or its JSON text; an empty one is as good as none."""
    advice = "write a dict as logging.config.dictConfig takes it"
    if isinstance(value, str) and value.strip():
        import json  # here: few servers need it

        try:
            value = json.loads(value)
        except ValueError:
            raise complaint(value, "is not JSON", advice) from None
    if not value:
        return None
    if not isinstance(value, dict):
        raise complaint(value, "is no dict", advice)
    return value


def _logger_class(value: object) -> LoggerClass:
    if value is None:
        return DEFAULT_LOGGER
    if isinstance(value, type):
        name = f"{value.__module__}.{value.__qualname__}"
        return DEFAULT_LOGGER if name == DEFAULT_LOGGER else value
    if not isinstance(value, str):
        raise complaint(value, "is no class", "write 'module.Class', or the class itself")
    name = value.strip()
    if name in _SAME_LOGGER:
        return DEFAULT_LOGGER
    module, dot, cls = name.replace(":", ".").rpartition(".")
    if not dot or not all(part.isidentifier() for part in [*module.split("."), cls]):
        raise complaint(value, "names no class", "write 'module.Class'")
    return f"{module}.{cls}"


def _show_logger(value: LoggerClass) -> str:
    return value if isinstance(value, str) else f"{value.__module__}.{value.__qualname__}"


def _sink(parse: Callable[[str], sinks.Sink], example: str) -> Callable[[object], str | None]:
    """Return what reads an address, and gives back its text."""

    def read(value: object) -> str | None:
        if value is None or value == "":
            return None
        if isinstance(value, tuple) and len(value) == 2:  # as gunicorn keeps one
            host, port = value
            value = f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
        if not isinstance(value, str):
            raise complaint(value, "is no address", f"write {example!r}")
        try:
            parse(value.strip())
        except ValueError as error:
            raise complaint(value, "is no address", str(error)) from None
        return value.strip()

    return read


def _networks(value: object) -> tuple[str, ...]:
    import ipaddress

    words = PATHS.parse(value)
    for word in words:
        if word == EVERYBODY:
            continue
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise complaint(word, "is no address or network", _network_advice(word)) from None
    return words


def _network_advice(word: object) -> str:
    import ipaddress

    try:
        return f"write {ipaddress.ip_network(str(word), strict=False)}"
    except ValueError:
        return "write one like 10.0.0.0/8, 192.0.2.7 or *"


def _url_paths(value: object) -> tuple[str, ...]:
    words = PATHS.parse(value)
    for word in words:
        if not word.startswith("/") or "*" in word.removesuffix("*"):
            raise complaint(word, "is no path of a request", "write /healthz, or /static/*")
    return words


def _tags(value: object) -> str:
    """Comma list of dogstatsd tags; '' for none."""
    text = ",".join(PATHS.parse(value))
    if any(character in text for character in "|#\n\r") or not text.isprintable():
        raise complaint(value, "has a character that ends a tag", "write key:value,key:value")
    return text


def _prefix(value: object) -> str:
    """Return the text before the name of a metric, without its last dot."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise complaint(value, "is not text", "write it in quotes")
    text = value.strip().rstrip(".")
    if any(character in text for character in ":|@# \n\r\t") or not text.isprintable():
        raise complaint(value, "has a character that ends a name", "write letters, digits and dots")
    return text


def _show_list(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "none"


def _show_dict(value: dict[str, Any] | None) -> str:
    return "none" if value is None else repr(value)


def _show_text(value: str | None) -> str:
    return value or "none"


def _address(value: object) -> str:
    found = _sink(sinks.parse_syslog, "udp://localhost:514")(value)
    if found is None:
        raise BadValue("'' is no address; write udp://localhost:514 or unix:///dev/log")
    return found


LOG_DICT: Kind[dict[str, Any] | None] = Kind("mapping", "JSON", _log_dict, show=_show_dict)
LOGGER_CLASS: Kind[LoggerClass] = Kind("class", "CLASS", _logger_class, show=_show_logger)
SYSLOG_ADDRESS: Kind[str] = Kind("address", "ADDRESS", _address)
STATSD_ADDRESS: Kind[str | None] = Kind(
    "address", "ADDRESS", _sink(sinks.parse_statsd, "localhost:8125"), show=_show_text
)
STATSD_TAGS: Kind[str] = Kind("list of tags", "TAGS", _tags, show=_show_text)
STATSD_PREFIX: Kind[str] = Kind("text", "TEXT", _prefix, show=_show_text)
FACILITY: Kind[str] = choice(*sinks.FACILITIES)
NETWORKS: Kind[tuple[str, ...]] = Kind("list of networks", "NETWORKS", _networks, show=_show_list)
URL_PATHS: Kind[tuple[str, ...]] = Kind(
    "list of paths", "PATH", _url_paths, show=_show_list, many=True
)
