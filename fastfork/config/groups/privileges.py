"""Settings of users, groups and permissions.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import FLAG
from ..kinds.permissions import GROUP, MODE, OPTIONAL_MODE, OWNER, USER
from ..kinds.spec import setting

__all__ = ["PrivilegeSettings"]


@record(frozen=True, kw_only=True)
class PrivilegeSettings:
    """Users and permissions."""

    user: str | None = setting(
        None,
        USER,
        "User that the workers run as, a name or a number.",
        flags="-u --user",
        reload="workers",
        more="Workers change to it before they load the application; the arbiter stays root. "
        "Without `group` it brings its primary group (gunicorn: leaves the arbiter's). No "
        "supplementary group is kept, unless `initgroups` is set. Log files are made for it, "
        "and Unix sockets belong to it.",
    )
    group: str | None = setting(
        None,
        GROUP,
        "Group that the workers run as, a name or a number.",
        flags="-g --group",
        reload="workers",
    )
    initgroups: bool = setting(
        False,
        FLAG,
        "Give the workers the supplementary groups of `user`.",
        flags="--initgroups",
        reload="workers",
        more="Without it they have none.",
    )
    umask: int = setting(
        0,
        MODE,
        "Permission bits that are taken from the file of a Unix socket.",
        flags="-m --umask",
        reload="server",
        more="As with gunicorn it is applied when the socket is made (mode 0777 less these bits) "
        "and is not the umask of the processes: files that the application makes have the "
        "permissions that they have without this server. Text is octal with `0` or `0o` in "
        "front: `007`.",
    )
    socket_mode: int | None = setting(
        None,
        OPTIONAL_MODE,
        "Permissions of the file of a Unix socket, such as 0660.",
        flags="--socket-mode",
        reload="server",
        more="Instead of what `umask` leaves. Whoever may write to the file may connect (unix(7)).",
    )
    socket_owner: str | None = setting(
        None,
        OWNER,
        "Owner of the file of a Unix socket, USER or USER:GROUP or :GROUP.",
        flags="--socket-owner",
        reload="server",
        more="Without it the file belongs to `user` and `group` when those are set.",
    )
