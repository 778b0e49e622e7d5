"""Users, groups and permission bits as settings."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest

from fastfork import accounts
from fastfork.address import Access, TcpAddress, UnixAddress
from fastfork.arbiter.ownership import socket_access, with_access
from fastfork.config import Config
from fastfork.config.checks.table import CHECKS
from fastfork.config.kinds.basic import BadValue
from fastfork.config.kinds.permissions import GROUP, MODE, OPTIONAL_MODE, OWNER, USER, split_owner
from fastfork.errors import ConfigError
from fastfork.process.privileges import identity

ME = pwd.getpwuid(os.geteuid())
NOBODY_HAS = 4294967000  # a number without an entry


def test_user_is_known_by_name_and_number() -> None:
    assert accounts.user(ME.pw_name) == accounts.user(str(ME.pw_uid))
    assert accounts.user(str(NOBODY_HAS)) == accounts.User(NOBODY_HAS, None, None)
    assert USER.parse(ME.pw_uid) == str(ME.pw_uid)
    assert USER.parse(None) is None


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (USER, "no-such-user", "is unknown: there is no user 'no-such-user'; write one of"),
        (USER, "4294967295", "is unknown: there is no user 4294967295"),
        (USER, True, "True is no name and no number; write it like 'www-data' or 33"),
        (GROUP, "no-such-group", "is unknown: there is no group 'no-such-group'"),
        (OWNER, "root:no-such-group", "is unknown: there is no group 'no-such-group'"),
    ],
)
def test_account_that_is_not_there_is_one_clear_line(kind: Any, value: Any, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        kind.parse(value)


@pytest.mark.parametrize(
    ("value", "mode"),
    [("022", 0o22), ("0o007", 0o7), ("0", 0), ("0660", 0o660), (0o27, 0o27), (0, 0)],
)
def test_permission_bits_are_octal(value: object, mode: int) -> None:
    assert MODE.parse(value) == mode


@pytest.mark.parametrize("value", ["22", "660", "0o8", "-1", 0o1000, "rw", True, 2.0])
def test_bits_that_may_mean_something_else_are_refused(value: object) -> None:
    with pytest.raises(BadValue, match="is no set of permission bits; write them in octal"):
        MODE.parse(value)


def test_permission_bits_are_shown_in_octal() -> None:
    assert (MODE.show(0o22), OPTIONAL_MODE.show(None)) == ("0o22", "none")


def test_owner_is_user_and_group() -> None:
    assert split_owner("www") == ("www", None)
    assert split_owner("www:web") == ("www", "web")
    assert split_owner(":web") == (None, "web")
    assert OWNER.parse(f"{ME.pw_name}:{ME.pw_gid}") == f"{ME.pw_name}:{ME.pw_gid}"


def test_user_brings_its_primary_group() -> None:
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid != os.geteuid())
    assert identity(other.pw_name, None) == (other.pw_uid, other.pw_gid)
    assert identity(other.pw_name, "7") == (other.pw_uid, 7)
    assert identity(None, None) == (os.geteuid(), os.getegid())
    assert identity(None, "7") == (os.geteuid(), 7)


def test_number_without_an_entry_needs_a_group() -> None:
    with pytest.raises(ConfigError, match=f"user: {NOBODY_HAS} has no entry and no group; set"):
        identity(str(NOBODY_HAS), None)
    assert identity(str(NOBODY_HAS), "7") == (NOBODY_HAS, 7)


def test_socket_file_has_gunicorns_mode_unless_told_otherwise() -> None:
    assert socket_access(Config()) == Access(0o777, -1, -1)
    assert socket_access(Config(umask=0o007)).mode == 0o770
    assert socket_access(Config(umask=0o007, socket_mode=0o600)).mode == 0o600
    assert socket_access(Config(socket_owner="7:8")) == Access(0o777, 7, 8)
    assert socket_access(Config(socket_owner=":8")) == Access(0o777, -1, 8)


def test_permissions_do_not_make_another_address() -> None:
    plain = [UnixAddress("/run/shop.sock"), TcpAddress("127.0.0.1", 1)]
    (path, _tcp) = with_access(list(plain), Config(socket_mode=0o600))
    assert isinstance(path, UnixAddress)
    assert path.access.mode == 0o600
    assert path == plain[0]


def problems(cfg: Config) -> list[str]:
    return [f"{found.name}: {found.text}" for check in CHECKS for found in check(cfg)]


def test_only_root_can_become_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    monkeypatch.setattr(os, "getegid", lambda: 8)
    assert problems(Config(user="7", group="8")) == []
    assert problems(Config(user="9", group="9")) == [
        "user: only root can become '9'; start as root or leave it out",
        "group: only root can become '9'; start as root or leave it out",
    ]


def test_settings_without_effect_are_told() -> None:
    assert problems(Config(initgroups=True)) == ["initgroups: has no effect without user"]
    assert problems(Config(worker_tmp_dir="/dev/shm")) == [
        "worker_tmp_dir: is not needed: the heartbeat is in shared memory"
    ]
