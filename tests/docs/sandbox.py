"""A place of its own for the commands and files of one page.

Pages name the addresses and paths that their readers use.  A test machine may have something at
port 8000 and must not write into /run, so both are other ones here: on the way in, known ports
become free ones and known directories come below a temporary one; on the way out they are what
the page has.  The current directory is /srv/shop of the page.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.docs.ports import Claims
from tests.kit.programs import program
from tests.kit.server import environment

PORTS = (80, 443, 8000, 8001, 8002, 8080, 8443, 9000, 9001, 9090)
DIRECTORIES = (
    "srv", "run", "var/lib", "var/log", "var/tmp", "etc/shop", "etc/fastfork", "etc/ssl/shop",
    "etc/letsencrypt", "etc/nginx/conf.d", "etc/nginx/tls", "etc/haproxy", "etc/systemd/system",
)  # fmt: skip
# The application `shop:app` of pages that do not show one.
SITE = Path(__file__).with_name("site")
_PORT = re.compile(rf"(?:(?<=:)|(?<=PORT=)|(?<=listen ))({'|'.join(map(str, PORTS))})\b")
_PATH = re.compile(rf"(?<![\w.}})~/-])/({'|'.join(DIRECTORIES)})(?![\w-])((?:/[\w.@-]+)*)")
_SECRET = re.compile(r"\.(?:pem|crt|key)\Z")


class Sandbox:
    """The directory of one page, and what stands there for ports and paths.

    root: an empty directory; its path must be short, since the one of a unix socket must be.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.here = root / "srv" / "shop"
        self.here.mkdir(parents=True)
        shutil.copy(SITE / "shop.py", self.here)
        self.home = root / "home"
        self.home.mkdir()
        # At a terminal, where its reader is, curl shows the progress of downloads only.
        (self.home / ".curlrc").write_text("no-progress-meter\n")
        self._claims = Claims(len(PORTS))
        self._ports = dict(zip(PORTS, self._claims.numbers, strict=True))

    def inside(self, text: str) -> str:
        """Text of the page with the ports and paths that are here."""
        text = _PATH.sub(lambda found: f"{self.root}{found[0]}", text)
        return _PORT.sub(lambda found: str(self._ports[int(found[1])]), text)

    def outside(self, text: str) -> str:
        """What a program said, with the ports and paths of the page."""
        text = text.replace(str(self.root), "")
        for documented, here in self._ports.items():
            text = re.sub(rf"(?<=[:=]){here}\b", str(documented), text)
        return text

    def port(self, documented: int) -> int:
        """The port that stands for the one of the page."""
        return self._ports[documented]

    def close(self) -> None:
        """Let go of the ports, and remove everything."""
        self._claims.close()
        shutil.rmtree(self.root)

    def make_room(self, text: str) -> None:
        """Make the directories of all paths that a text of the page names, and certificates.

        A path that ends in .pem, .crt or .key becomes a certificate for localhost with its key.
        """
        for found in _PATH.finditer(text):
            path = self.root / found[0].lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if _SECRET.search(path.name) and not path.exists():
                path.write_text(_certificate())
                path.chmod(0o600)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the page; a relative name is one in the current directory."""
        self.make_room(f"{name}\n{text}")
        path = self.here / self.inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.inside(text))
        return path

    def environment(self) -> dict[str, str]:
        """Of a reader who has the package in the environment that runs the tests."""
        env = environment({"HOME": str(self.home), "LANG": "C.UTF-8", "NO_COLOR": "1"})
        checkout = [path for path in env.pop("PYTHONPATH").split(os.pathsep)[1:] if path]
        if checkout:
            env["PYTHONPATH"] = os.pathsep.join(checkout)
        for name in ("PYTHONSAFEPATH", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "CI"):
            env.pop(name, None)
        programs = [str(Path(sys.executable).parent), env.get("PATH", ""), "/usr/sbin", "/sbin"]
        return {**env, "PATH": os.pathsep.join(programs)}


@cache
def _certificate() -> str:
    """A certificate for localhost and its key, as one file has them for HAProxy."""
    done = subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec",
         "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "-", "-out", "-"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return done.stdout
