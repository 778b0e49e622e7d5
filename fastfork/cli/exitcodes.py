"""What the exit codes of the command mean: the reference page and tests are made from this table.

Runs in: cli
"""

from __future__ import annotations

from typing import Final

from fastfork.errors import AppNotFound, BootError
from fastfork.records import record

from .saying import BAD_USAGE, FAILED, INTERRUPTED, OK

__all__ = ["BAD_USAGE", "EXIT_CODES", "FAILED", "INTERRUPTED", "OK", "ExitCode"]


@record(frozen=True)
class ExitCode:
    """meaning: a phrase.  mistakes: what leads to it, with the line that is printed for it.

    A line is the beginning of what is printed.
    """

    meaning: str
    mistakes: tuple[tuple[str, str], ...] = ()


EXIT_CODES: Final[dict[int, ExitCode]] = {
    OK: ExitCode("a normal stop; or nothing is wrong, with `--check-config` and `config check`"),
    FAILED: ExitCode(
        "a setting is wrong, or what it names cannot be used; with `--check-config` and "
        "`config check --app` also an application that does not load",
        (
            (
                "`fastfork -b localhost:99999 shop:app`",
                "bind: 'localhost:99999' has the port '99999'; write a number from 0 to 65535",
            ),
            (
                "the port is in use (tried for four seconds)",
                "bind: http://127.0.0.1:8000 is in use",
            ),
            (
                "port 80 as an ordinary user",
                "bind: http://127.0.0.1:80: ports below 1024 need root",
            ),
            (
                "the key of another certificate",
                "keyfile: '/etc/ssl/x.key' has the key of another certificate than ",
            ),
        ),
    ),
    BAD_USAGE: ExitCode(
        "the command line is wrong",
        (
            (
                "`fastfork --wokers 2 shop:app`",
                "there is no option --wokers; did you mean --workers?",
            ),
        ),
    ),
    BootError.exit_code: ExitCode(
        "the application failed to load in every worker, and none has ever served",
        (
            (
                "the application raises while it is imported",
                "shop cannot be imported: KeyError: 'DATABASE_URL'",
            ),
        ),
    ),
    AppNotFound.exit_code: ExitCode(
        "there is no such application",
        (
            ("`fastfork shpo:app`", "no module named 'shpo'; did you mean shop:app?"),
            (
                "`fastfork shop:ap`",
                "module 'shop' has no attribute 'ap'; did you mean shop:app?",
            ),
            ("`fastfork shop.py`", "'shop.py' is a file, not a module; did you mean shop:app?"),
            (
                "`fastfork shop:number`",
                "shop:number is of type int; a WSGI application is called as",
            ),
        ),
    ),
    INTERRUPTED: ExitCode("Ctrl-C before the server was there; later that is a normal stop"),
}
