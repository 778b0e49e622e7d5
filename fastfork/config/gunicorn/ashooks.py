"""What hooks that were written for gunicorn ask of `server.cfg` beyond the settings themselves.

Runs in: both
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fastfork import accounts, address
from fastfork.address import TcpAddress, UnixAddress
from fastfork.errors import ConfigError
from fastfork.records import fields, record

from ..kinds.spec import METADATA_KEY, Spec
from ..kinds.workerclass import GEVENT, GeventWorker, SyncWorker, ThreadWorker, Worker

__all__ = ["Asked", "HookView", "as_gunicorn"]

_TLS: Final = (
    "keyfile",
    "certfile",
    "ssl_version",
    "cert_reqs",
    "ca_certs",
    "suppress_ragged_eofs",
    "do_handshake_on_connect",
    "ciphers",
)


@record(frozen=True)
class Asked:
    """One of `cfg.settings`: its name, its value, and what it is without being set."""

    name: str
    value: Any
    default: Any

    def get(self) -> Any:
        """Return the value."""
        return self.value

    def set(self, *_value: object) -> None:
        """Raise ConfigError: see HookView.set."""
        raise ConfigError(_too_late(self.name))


class HookView:
    """The names of gunicorn's Config that are no settings."""

    if TYPE_CHECKING:
        bind: tuple[str, ...]
        user: str | None
        group: str | None
        raw_env: tuple[str, ...]
        certfile: str | None
        keyfile: str | None
        worker_class: str
        threads: int

    @property
    def settings(self) -> Mapping[str, Asked]:
        """Name -> setting, with `.value`, `.default` and `.get()`."""
        found: dict[str, Asked] = {}
        for field in fields(self):  # type: ignore[arg-type]
            spec: Spec[Any] = field.metadata[METADATA_KEY]
            found[field.name] = Asked(field.name, getattr(self, field.name), spec.default)
        return found

    def set(self, name: str, _value: object = None) -> None:
        """Raise ConfigError: by the time a hook runs, every process has its settings."""
        raise ConfigError(_too_late(name))

    @property
    def address(self) -> list[tuple[str, int] | str]:
        """`bind` as pairs of host and port, and paths of unix sockets."""
        return [as_gunicorn(address.parse(text)) for text in self.bind]

    @property
    def uid(self) -> int:
        """The number of `user`; the process's own without it."""
        return os.geteuid() if self.user is None else accounts.user(self.user).uid

    @property
    def gid(self) -> int:
        """The number of `group`; the process's own without it."""
        return os.getegid() if self.group is None else accounts.group(self.group)

    @property
    def env(self) -> dict[str, str]:
        """`raw_env` as a dict."""
        pairs = (text.partition("=") for text in self.raw_env)
        return {name: value for name, _, value in pairs}

    @property
    def is_ssl(self) -> bool:
        """Whether TLS is spoken."""
        return bool(self.certfile or self.keyfile)

    @property
    def ssl_options(self) -> dict[str, Any]:
        """gunicorn's settings of TLS."""
        return {name: getattr(self, name) for name in _TLS if hasattr(self, name)}

    @property
    def worker_class_str(self) -> str:
        """`worker_class`, and gthread for sync with several threads."""
        is_sync = self.worker_class == "sync" and self.threads > 1
        return "gthread" if is_sync else self.worker_class

    def kind_of_worker(self) -> type[Worker]:
        """Return what `gunicorn.workers.*` has for it in a config file; Worker for one of your
        own."""
        name = self.worker_class_str
        if name in GEVENT:
            return GeventWorker
        return {"sync": SyncWorker, "gthread": ThreadWorker}.get(name, Worker)


def as_gunicorn(given: address.Address) -> tuple[str, int] | str:
    """Return an address as gunicorn has it: (host, port), or the path of a unix socket."""
    match given:
        case TcpAddress():
            return given.host, given.port
        case UnixAddress():
            return given.path
    return str(given)


def _too_late(name: str) -> str:
    return (
        f"{name}: a hook cannot change a setting, since every process has read them by now; "
        f"assign it at the top of the config file: {name} = ..."
    )
