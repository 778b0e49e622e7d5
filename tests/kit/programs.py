"""Programs and packages that tests use when they are there.

What is missing is named with what to type: the test is skipped, and fails where CI=true, as all of
them must run there.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

# Debian's package of a program, where it has another name.
PACKAGES = {
    "ab": "apache2-utils",
    "cc": "build-essential",
    "mount": "mount",
    "nginx": "nginx-light",
    "promtool": "prometheus",
    "ps": "procps",
    "setarch": "util-linux",
    "setpriv": "util-linux",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
}
# PyPI's package of a module, where it has another name.
DISTRIBUTIONS = {
    "elasticapm": "elastic-apm",
    "opentelemetry.instrumentation.wsgi": "opentelemetry-instrumentation-wsgi",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "prometheus_client": "prometheus-client",
    "socketio": "python-socketio[client]",
}
# Debian keeps servers where not everybody looks.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def program(name: str) -> str:
    """The path of a program; without it the test is over, see above."""
    found = shutil.which(name, path=PATH)
    return missing(name, PACKAGES.get(name, name)) if found is None else found


def compiler() -> list[str]:
    """The C compiler that builds the package too."""
    words = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    if shutil.which(words[0], path=PATH) is None:
        missing("C compiler", PACKAGES["cc"])
    return words


def stream_of_nginx() -> str:
    """What loads nginx's stream module, in a configuration; '' where nginx has it built in."""
    said = subprocess.run([program("nginx"), "-V"], capture_output=True, text=True).stderr
    if re.search(r"--with-stream(?![=_\w])", said):
        return ""
    folder = re.search(r"--modules-path=(\S+)", said)
    module = Path(folder[1] if folder else "/usr/lib/nginx/modules") / "ngx_stream_module.so"
    if not module.exists():
        missing("stream module of nginx", "libnginx-mod-stream")
    return f"load_module {module};"


def library(name: str, *, in_extra: bool = True) -> ModuleSpec:
    """Where a module is that the server can do without.  At the head of a file: for all its tests.

    in_extra: the extra `test` brings it, so it is there where CI=true.
    """
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # of its parent
        spec = None
    if spec is None:
        package = DISTRIBUTIONS.get(name, name.replace("_", "-"))
        give_up(f"no {name}; type: pip install {package}", to_fail=in_extra)
    return spec


def missing(what: str, package: str) -> NoReturn:
    """The test is over: something of a Debian package is not there."""
    give_up(f"no {what}; type: apt-get install {package}")


def give_up(advice: str, *, to_fail: bool = True) -> NoReturn:
    """Skip the test, or fail it where CI=true and it is `to_fail` there."""
    if to_fail and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(advice, pytrace=False)
    pytest.skip(advice, allow_module_level=True)


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
