"""Settings of static files.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Mapping

from fastfork.records import record

from ..kinds.basic import DURATION, FLAG, FLAG_ON
from ..kinds.spec import setting
from ..kinds.static import FIELDS_BY_PATTERN, HASHED, MOUNTS, PATTERN, FieldsByPattern, Mounts

__all__ = ["StaticSettings"]


@record(frozen=True, kw_only=True)
class StaticSettings:
    """Static files."""

    static_path: Mapping[str, str] = setting(
        Mounts(),
        MOUNTS,
        "Serve the files of a directory below a path, without the application.",
        flags="--static-path",
        reload="workers",
        more='Written `/static=/srv/static`, and in a config file `{"/static": "/srv/static"}`; it '
        "may be given several times, and the longest prefix that fits is taken. What is not there "
        "is for the application to answer. [Serve static files](../how-to/static-files.md) tells "
        "the rest. A directory is resolved when a worker starts, so one that has been replaced, or "
        "a link that leads to another one, takes effect with a reload.",
    )
    static_max_age: float = setting(
        0.0,
        DURATION,
        "How long clients may keep a file without asking (0 = they ask each time).",
        flags="--static-max-age",
        reload="workers",
        more="Not of files that `static_immutable` finds. Asking costs a request that is answered "
        "with 304 and no body. Meanwhile a file that has changed is not seen by who has the old "
        "one.",
    )
    static_immutable: str | None = setting(
        HASHED,
        PATTERN,
        "Regular expression for paths of files that never change.",
        flags="--static-immutable",
        reload="workers",
        more="Looked for in the path of the URL. Such a file is kept for a year, and not asked for "
        "again even when somebody reloads the page: so its name must hold a hash of its content. "
        "`auto` finds the forms of Django, WhiteNoise, webpack and Vite; `none`: no file.",
    )
    static_index: bool = setting(
        False,
        FLAG,
        "Serve index.html for a directory.",
        flags="--static-index",
        reload="workers",
        more="A path without the slash at its end is sent there with 301. Without this setting a "
        "directory is for the application to answer. There are no listings.",
    )
    static_follow: bool = setting(
        False,
        FLAG,
        "Follow links that lead out of the directory.",
        flags="--static-follow",
        reload="workers",
        more="Whoever can write into the directory can then show every file that the worker can "
        "read. Relative links that stay inside are followed anyway, where the kernel is Linux 5.6 "
        "or newer. The directory itself may be a link.",
    )
    static_fields: Mapping[str, Mapping[str, str]] = setting(
        FieldsByPattern(),
        FIELDS_BY_PATTERN,
        "Fields to add to responses, by a pattern of paths.",
        flags="--static-fields",
        reload="workers",
        more="Written `*.woff2=Access-Control-Allow-Origin: *`, and in a config file "
        '`{"*.woff2": {"Access-Control-Allow-Origin": "*"}}`. `*` stands for slashes too. A field '
        "that is sent anyway (Cache-Control, Content-Type, X-Content-Type-Options) is replaced.",
    )
    static_access_log: bool = setting(
        True,
        FLAG_ON,
        "Write requests for static files into the access log.",
        flags="--static-access-log",
        reload="workers",
        more="Metrics count them either way.",
    )
