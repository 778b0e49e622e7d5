"""Programs of the machine that tests use when they are there.

Runs in: cli
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NoReturn

import pytest

# Debian's package of a program, where it has another name.
PACKAGES = {"ab": "apache2-utils", "nginx": "nginx-light"}
# Debian keeps servers where not everybody looks.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def program(name: str) -> str:
    """The path of a program.

    Without it the test is skipped, and fails where CI=true: there all of them must run.
    """
    found = shutil.which(name, path=PATH)
    return missing(name, PACKAGES.get(name, name)) if found is None else found


def missing(what: str, package: str) -> NoReturn:
    """Skip the test, or fail it where CI=true: something of a Debian package is not there."""
    advice = f"no {what}; type: apt-get install {package}"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(advice, pytrace=False)
    pytest.skip(advice)


def run(name: str, *arguments: str, given: bytes = b"", timeout: float = 60.0) -> Ran:
    """Run a program to its end, with `given` on its standard input.

    Raises AssertionError with what it said when its exit code is not 0.
    timeout: seconds, then subprocess.TimeoutExpired.
    """
    done = subprocess.run(
        [program(name), *arguments], input=given, capture_output=True, timeout=timeout
    )
    assert done.returncode == 0, (arguments, done.returncode, done.stderr[-2000:])
    return Ran(done.stdout, done.stderr.decode(errors="backslashreplace"), arguments)


class Ran:
    """What a program wrote.  out: standard output; said: standard error."""

    def __init__(self, out: bytes, said: str, arguments: Sequence[str]) -> None:
        self.out, self.said, self.arguments = out, said, arguments

    @property
    def text(self) -> str:
        """Standard output as UTF-8."""
        return self.out.decode()
