"""Envoy's configuration, read by the definitions of its own API.

Debian has no Envoy; the package envoy-data-plane has the messages of which its configuration
is made, and refuses names and types that Envoy would.

Runs in: cli
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

# Modules with what the guide uses: a message is known by its name once its module is there.
MODULES = (
    "extensions.filters.http.router.v3",
    "extensions.filters.network.http_connection_manager.v3",
    "extensions.upstreams.http.v3",
)


def bootstrap(text: dict[str, Any]) -> Any:
    """The message.  Raises KeyError for an unknown name, ValueError for a wrong value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydantic, about how that package was generated
        for name in MODULES:
            importlib.import_module(f"envoy_data_plane.envoy.{name}")
        api = importlib.import_module("envoy_data_plane.envoy.config.bootstrap.v3")
        return api.Bootstrap.from_dict(text)
