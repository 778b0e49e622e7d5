"""A server under `-W error`: no Python that we claim warns of what the server itself does."""

from __future__ import annotations

import pytest

from tests.conftest import Starter


@pytest.mark.parametrize(
    "options",
    [(), ("--threads", "4"), ("--threads", "4", "--preload"), ("-k", "gevent"), ("--reload",)],
    ids=lambda options: " ".join(options) or "as it comes",
)
def test_server_starts_serves_and_reloads_without_a_warning(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    if "gevent" in options:
        pytest.importorskip("gevent")
    env = {"PYTHONWARNINGS": "error"}
    server = start_server("echo_query:app", "--admin-bind", "127.0.0.1:0", *options, env=env)
    assert server.get("/?a=1").text == "a=1"
    server.signal("reload")
    server.log.wait_for("Reload complete")
    assert server.get("/?a=2").text == "a=2"
    assert "Warning" not in server.log.text()


def test_config_file_that_raises_is_told_without_a_warning(start_server: Starter) -> None:
    config = "def count():\n    return 1 / 0\n\nworkers = count()\n"
    env = {"PYTHONWARNINGS": "error"}
    server = start_server("echo_query:app", config=config, ready=False, env=env)
    server.expect_alarm("ZeroDivisionError")
    assert server.wait_exit() == 1
    assert "failed: ZeroDivisionError: division by zero" in server.log.text()
    assert "Warning" not in server.log.text()
