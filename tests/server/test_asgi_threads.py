"""Handlers that frameworks run in threads."""

from __future__ import annotations

import importlib.util

import pytest

from tests.conftest import Starter

LOOPS = [
    "asyncio",
    pytest.param(
        "uvloop",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("uvloop") is None, reason="no uvloop; pip install uvloop"
        ),
    ),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_thread_of_a_handler_serves_the_next_request(start_server: Starter, loop: str) -> None:
    """anyio ends its threads with the first task of the loop: that must not be a request's."""
    pytest.importorskip("anyio")
    server = start_server("asgi_threads:app", "-k", "asgi", "--asgi-loop", loop)
    assert len({server.get("/").text for _ in range(5)}) == 1
