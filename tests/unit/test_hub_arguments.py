"""What the compiled hub is made with: a name that nobody knows is an error, not ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fastfork._core.apps.wsgi import WsgiGateway
from fastfork._core.loop.hub import Hub
from tests.unit.conftest import Serve


def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    """Never called."""
    raise AssertionError((environ, start_response))


@pytest.mark.parametrize("name", ["body_min_rat", "nonsense", "write_acces", "queue_timeouts"])
def test_argument_that_no_layer_knows_is_refused(serve: Serve, name: str) -> None:
    served = serve(app)
    gateway = WsgiGateway(app, served.made_of["site"])
    with pytest.raises(TypeError, match=name):
        Hub(gateway, **served.made_of, **{name: 5})
