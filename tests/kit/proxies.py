"""nginx and HAProxy in front of a server, with the configuration that the how-to guides show.

The addresses of the page are replaced by the test's.  The front is a port that the kernel chose:
HAProxy inherits the listening socket, nginx makes its own anew.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.kit.client import Endpoint
from tests.kit.programs import program, stream_of_nginx
from tests.kit.waiting import wait_until

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
FRONT = "127.0.0.1:8080"  # in the pages
STOP_TIMEOUT = 10.0  # seconds
NGINX = """\
{load}
daemon off;
master_process off;
pid {files}/nginx.pid;
error_log {files}/proxy.log notice;
events {{ worker_connections 256; }}
"""
# Where its http block keeps its files; the rest of the block is the page's.
NGINX_HTTP = """\
access_log off;
client_body_temp_path {files}/client;
proxy_temp_path {files}/proxy;
fastcgi_temp_path {files}/fastcgi;
scgi_temp_path {files}/scgi;
uwsgi_temp_path {files}/uwsgi;
"""


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a guide in one language."""
    text = (GUIDES / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """`text` with each key of `changes` replaced.  AssertionError for one that is not there."""
    for old, new in changes.items():
        assert old in text, f"{old} is not in the guide"
        text = text.replace(old, new)
    return text


def text_of(endpoint: Endpoint) -> str:
    """As a proxy's configuration names it."""
    return f"unix:{endpoint}" if isinstance(endpoint, str) else "{}:{}".format(*endpoint)


class Proxy:
    """A proxy process that serves `front`.  kind: nginx, nginx-stream or haproxy;
    text: the guide's block, with the addresses of its upstreams replaced."""

    def __init__(self, kind: str, files: Path, text: str) -> None:
        # Before there is anything to close: what is missing ends the test.
        executable = program("haproxy" if kind == "haproxy" else "nginx")
        load = stream_of_nginx() if kind == "nginx-stream" else ""
        self.log = files / "proxy.log"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)  # HAProxy leaves it as it is
        host, port = self._listener.getsockname()
        self.front: Endpoint = (host, port)
        inherited = self._listener.fileno()
        os.set_inheritable(inherited, True)
        config = files / "proxy.conf"
        if kind == "haproxy":
            config.write_text(replaced(text, {FRONT: f"fd@{inherited}"}))
            command = [executable, "-db", "-f", str(config)]
        else:
            self._listener.close()  # nginx wants to make its own
            text = replaced(text, {FRONT: f"{host}:{port}"})
            if kind == "nginx":
                text = f"http {{\n{NGINX_HTTP.format(files=files)}{text}}}\n"
            config.write_text(NGINX.format(load=load, files=files) + text)
            command = [executable, "-p", str(files), "-e", str(self.log), "-c", str(config)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=[inherited] if kind == "haproxy" else (),
            )  # fmt: skip
        wait_until(self._answers, lambda: f"the proxy serves; it said: {self.said()}")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        with socket.socket() as probe:
            return probe.connect_ex(self.front) == 0

    def said(self) -> str:
        """Its log."""
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        """Until its log has `text`."""
        wait_until(lambda: text in self.said(), lambda: f"{text!r} in the log: {self.said()}")

    def stop(self) -> str:
        """End it; what it had to complain of."""
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT)
        self._listener.close()
        harmless = ("[notice]", "[NOTICE]", "Exiting Master", "exiting", "[WARNING]",
                    "is buffered to a temporary file")  # fmt: skip
        lines = self.said().splitlines()
        return "\n".join(line for line in lines if not any(word in line for word in harmless))
