"""What is done for agents that watch applications, with a stand-in for New Relic's."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fastfork.config import Config
from fastfork.wsgi.agents import reported
from fastfork.wsgi.application import Application


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []


class Wrapper:
    """As the agent's: calls what it wraps."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __call__(self, *arguments: Any) -> Any:
        return self.wrapped(*arguments)


@pytest.fixture
def newrelic(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The agent's settings: it has been imported, and not initialised."""
    settings = SimpleNamespace(enabled=False)
    package, agent = ModuleType("newrelic"), ModuleType("newrelic.agent")
    agent.global_settings = lambda: settings  # type: ignore[attr-defined]
    agent.WSGIApplicationWrapper = Wrapper  # type: ignore[attr-defined]
    package.agent = agent  # type: ignore[attr-defined]
    for name, module in (
        ("newrelic", package),
        ("newrelic.agent", agent),
        ("newrelic.config", ModuleType("newrelic.config")),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    return settings


def test_without_an_agent_the_application_is_served_as_it_is() -> None:
    assert "newrelic.config" not in sys.modules
    assert reported(app) is app


def test_agent_that_is_only_imported_is_left_alone(newrelic: SimpleNamespace) -> None:
    assert reported(app) is app


def test_agent_that_is_initialised_sees_what_is_loaded(newrelic: SimpleNamespace) -> None:
    newrelic.enabled = True
    found = Application(Config(), lambda: app)
    served = found.wsgi()
    assert isinstance(served, Wrapper)
    assert served.wrapped is app
    assert found.wsgi() is served


def test_template_gives_on_what_no_agent_has_wrapped(newrelic: SimpleNamespace) -> None:
    newrelic.enabled = True
    found = Application(Config(), lambda: app)
    found.wsgi()
    assert found.callable is app
