"""What the arbiter, which stays root, makes for workers that run as another user.

Runs in: arbiter
"""

from __future__ import annotations

import os

from fastfork import accounts
from fastfork.address import Access, Address, UnixAddress
from fastfork.config import Config
from fastfork.config.kinds.permissions import ALL_BITS, split_owner
from fastfork.logs.ownership import give_to
from fastfork.process.privileges import identity
from fastfork.records import replace


def give_logs(cfg: Config) -> None:
    """Have log files there that the workers may open.  Raises ConfigError for a bad user."""
    if cfg.user is not None or cfg.group is not None:
        give_to(cfg, *identity(cfg.user, cfg.group))


def with_access(addresses: list[Address], cfg: Config) -> list[Address]:
    """Return the addresses, those of files with the permissions that the settings name."""
    access = socket_access(cfg)
    return [
        replace(one, access=access) if isinstance(one, UnixAddress) else one for one in addresses
    ]


def socket_access(cfg: Config) -> Access:
    """Permissions and owner of the file of a Unix socket."""
    mode = cfg.socket_mode if cfg.socket_mode is not None else ALL_BITS & ~cfg.umask
    uid = gid = -1
    if cfg.socket_owner is not None:
        user, group = split_owner(cfg.socket_owner)
        uid = accounts.user(user).uid if user else -1
        gid = accounts.group(group) if group else -1
    elif os.geteuid() == 0 and (cfg.user is not None or cfg.group is not None):
        uid, gid = identity(cfg.user, cfg.group)
    return Access(mode, uid, gid)
