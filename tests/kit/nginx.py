"""nginx on a unix socket, with its files below a test's: in front of a server, or serving files.

Runs in: cli
"""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.kit.programs import program
from tests.kit.waiting import wait_until

STOP_TIMEOUT = 10.0  # seconds
# /kept/: upstream connections are kept, as our docs recommend; /plain/: nginx's defaults, which
# are HTTP/1.0 and a connection a request; /direct/: nothing is buffered by nginx.
CONFIG = """\
daemon off;
master_process off;
pid {files}/nginx.pid;
error_log {files}/nginx.log notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {files}/client;
    proxy_temp_path {files}/proxy;
    fastcgi_temp_path {files}/fastcgi;
    scgi_temp_path {files}/scgi;
    uwsgi_temp_path {files}/uwsgi;
    upstream app {{ server {upstream}; keepalive 8; }}
    server {{
        listen unix:{files}/front;
        location /kept/ {{
            proxy_pass http://app/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
        location /plain/ {{
            proxy_pass http://{upstream}/;
            proxy_set_header Host $http_host;
        }}
        location /direct/ {{
            proxy_pass http://app/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
}}
"""

# Files below {root}, with compressed siblings, and types of its own package.
STATIC_CONFIG = """\
daemon off;
master_process off;
pid {files}/nginx.pid;
error_log {files}/nginx.log crit;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {files}/client;
    proxy_temp_path {files}/proxy;
    fastcgi_temp_path {files}/fastcgi;
    scgi_temp_path {files}/scgi;
    uwsgi_temp_path {files}/uwsgi;
    sendfile on;
    charset utf-8;
    charset_types text/css text/plain image/svg+xml application/javascript;
    gzip_static on;
    gzip_vary on;
    server {{
        listen unix:{files}/front;
        root {root};
    }}
}}
"""


class Nginx:
    """One nginx process.  upstream: host:port of the server behind it; or root: of its files."""

    def __init__(self, files: Path, upstream: str = "", *, root: Path | None = None) -> None:
        self.front = str(files / "front")
        self.log = files / "nginx.log"
        config = files / "nginx.conf"
        text = CONFIG if root is None else STATIC_CONFIG
        config.write_text(text.format(files=files, upstream=upstream, root=root))
        self.process = subprocess.Popen(
            [program("nginx"), "-p", str(files), "-e", str(self.log), "-c", str(config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, lambda: f"nginx serves; it said: {self._said()}")

    def _said(self) -> str:
        return self.log.read_text() if self.log.exists() else "nothing"

    def _answers(self) -> bool:
        assert self.process.poll() is None, self._said()
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.front) == 0

    def stop(self) -> str:
        """End it; what it had to complain of."""
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT)
        harmless = ("[notice]", "[warn]")  # warnings are about bodies in its temporary files
        lines = self._said().splitlines()
        return "\n".join(line for line in lines if not any(word in line for word in harmless))
