"""Options of other servers: what is said to write instead can be written."""

from __future__ import annotations

import re

import pytest

from fastfork.config import SETTINGS
from fastfork.config.sources.foreign import advice

OURS = {flag for spec in SETTINGS.values() for flag in spec.flags}

# What uvicorn has and the guide says another name for, as typed -> what to write.
UVICORN = {
    "--host 0.0.0.0 --port 80": "write -b 0.0.0.0:80",
    "--uds /run/shop.sock": "write -b unix:/run/shop.sock",
    "--fd 3": "write -b fd://3",
    "--app-dir src": "write --chdir src",
    "--loop uvloop": "write --asgi-loop uvloop",
    "--lifespan on": "write --asgi-lifespan on",
    "--ws-max-size 1000": "write --websocket-max-message-size 1000",
    "--limit-concurrency 10": "write --worker-connections 10",
    "--limit-max-requests 10": "write --max-requests 10",
    "--limit-max-requests-jitter 10": "write --max-requests-jitter 10",
    "--timeout-keep-alive 5": "write --keep-alive 5",
    "--timeout-graceful-shutdown 5": "write --graceful-timeout 5",
    "--timeout-worker-healthcheck 5": "write --timeout 5",
    "--reload-include *.html": "write --reload-extra-file *.html",
    "--ssl-keyfile a.pem": "write --keyfile a.pem",
    "--ssl-certfile a.pem": "write --certfile a.pem",
    "--ssl-ca-certs a.pem": "write --ca-certs a.pem",
    "--ssl-cert-reqs 2": "write --cert-reqs 2",
    "--ssl-ciphers HIGH": "write --ciphers HIGH",
}


@pytest.mark.parametrize("typed", UVICORN)
def test_option_of_uvicorn_is_named_as_it_is_here(typed: str) -> None:
    assert advice(typed.split()) == UVICORN[typed]


@pytest.mark.parametrize("typed", UVICORN)
def test_what_is_to_be_written_is_an_option(typed: str) -> None:
    said = advice(typed.split()) or ""
    assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", said)) <= OURS


def test_interface_is_the_worker_class() -> None:
    assert advice(["--interface", "asgi3"]) == (
        "write -k asgi for an ASGI application, and leave it out for WSGI"
    )
