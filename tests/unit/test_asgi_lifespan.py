"""The lifespan protocol, with applications that do all that applications do."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fastfork.asgi.lifespan import Lifespan, Mode
from fastfork.errors import BootError, StartupFailed
from fastfork.process import boot

App = Callable[..., Awaitable[None]]
COMPLETE = {"type": "lifespan.startup.complete"}
OVER = {"type": "lifespan.shutdown.complete"}
LONG = 60.0  # seconds that no test takes
variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture(autouse=True)
def log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """What is logged, by a logger that is not the server's: others look at that one's state."""
    monkeypatch.setattr("fastfork.asgi.lifespan.log", logging.getLogger(__name__))
    caplog.set_level(logging.DEBUG, logger=__name__)
    return caplog


def run(app: App, mode: Mode = "auto", *, timeout: float = LONG, **state: Any) -> Lifespan:
    """Start it and end it."""
    lifespan = Lifespan(app, mode, state)

    async def both() -> None:
        await lifespan.startup()
        await lifespan.shutdown(timeout)

    asyncio.run(both())
    return lifespan


def refused(app: App, mode: Mode = "auto") -> StartupFailed:
    with pytest.raises(StartupFailed) as error:
        run(app, mode)
    return error.value


async def usual(scope: Any, receive: Any, send: Any) -> None:
    scope["state"].setdefault("seen", []).append(await receive())
    await send(COMPLETE)
    scope["state"]["seen"].append(await receive())
    await send(OVER)


async def without(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("no such scope")


async def silent(scope: Any, receive: Any, send: Any) -> None:
    return


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_application_is_told_of_start_and_end(mode: Mode, log: pytest.LogCaptureFixture) -> None:
    told = run(usual, mode).state["seen"]
    assert told == [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert not log.records


def test_scope_says_the_versions_and_has_the_state_itself() -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await usual(scope, receive, send)

    lifespan = run(app, given="by us")
    assert scopes == [
        {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": lifespan.state,
        }
    ]
    assert scopes[0]["state"] is lifespan.state
    assert lifespan.state["given"] == "by us"


def test_off_does_not_call_the_application(log: pytest.LogCaptureFixture) -> None:
    run(without, "off")
    assert not log.records


@pytest.mark.parametrize(
    ("app", "told"), [(without, "ValueError: no such scope"), (silent, "it has ended without an")]
)
def test_application_without_lifespan_costs_one_line_at_debug(
    app: App, told: str, log: pytest.LogCaptureFixture
) -> None:
    run(app, "auto")
    (record,) = log.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith(f"The application has no lifespan: {told}")


@pytest.mark.parametrize(
    ("app", "told"), [(without, "ValueError: no such scope"), (silent, "it has")]
)
def test_on_demands_a_lifespan(app: App, told: str) -> None:
    error = refused(app, "on")
    assert f"asgi_lifespan = 'on' demands: {told}" in str(error)
    assert error.exit_code == BootError.exit_code
    assert ("in without" in error.traceback_text) == (app is without)
    assert "asgi/lifespan.py" not in error.traceback_text.split("in without")[0]


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("raises", [False, True])
def test_failed_startup_ends_with_the_message_of_the_application(
    mode: Mode, raises: bool, log: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        if raises:  # as Starlette does
            raise ConnectionError("no database")

    error = refused(app, mode)
    assert boot.describe(error) == "the application's startup failed: no database"
    assert not log.records


def test_failed_startup_without_a_message_is_told_too() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed"})

    assert str(refused(app)) == "the application's startup failed"


def test_message_that_is_a_traceback_follows_its_last_line() -> None:
    message = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n'

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": message})

    told = boot.describe(refused(app))
    assert told == f"the application's startup failed: KeyError: 1\n{message.rstrip()}"


def test_failed_shutdown_is_logged_with_its_message(log: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(COMPLETE)
        await receive()
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still open"})
        raise ValueError("still open")

    run(app)
    (record,) = log.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "The application's shutdown failed: still open"


def test_exception_in_the_shutdown_is_logged_with_its_traceback(
    log: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        raise KeyError("pool")

    run(app, "on")
    (record,) = log.records
    assert record.getMessage().startswith("The application's lifespan failed: KeyError: 'pool'\n")
    assert record.getMessage().endswith("KeyError: 'pool'")


def test_shutdown_waits_until_the_application_has_finished() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await usual(scope, receive, send)
        for _ in range(20):
            await asyncio.sleep(0)
        scope["state"]["finished"] = True

    assert run(app).state["finished"]


def test_application_that_asks_for_ever_does_not_hold_up_the_end(
    log: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})

    run(app)  # in less than LONG
    assert not log.records


def test_shutdown_that_takes_too_long_is_cancelled(log: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)
        await receive()
        try:
            await asyncio.Event().wait()
        finally:
            scope["state"]["cancelled"] = True

    assert run(app, timeout=0.001).state["cancelled"]
    (record,) = log.records
    assert record.levelno == logging.WARNING
    assert "is not over after 0.001 s" in record.getMessage()


def test_application_that_listens_to_no_cancellation_is_left(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastfork.asgi.lifespan.LAST_WORD", 0.001)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(COMPLETE)
        await receive()
        await receive()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    run(app, timeout=0.001)  # asyncio.run() cancels once more at its end
    assert [record.levelno for record in log.records] == [logging.WARNING] * 2


def test_application_that_has_left_is_not_told_of_the_end(log: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)

    run(app, "on")
    assert not log.records


def test_exception_between_start_and_end_is_logged(log: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(COMPLETE)
        raise KeyError("background")

    run(app, "on")
    (record,) = log.records
    assert "KeyError: 'background'" in record.getMessage()


def test_cancelled_receive_loses_no_event() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        first = asyncio.create_task(receive())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        await send(COMPLETE)
        scope["state"]["next"] = await receive()
        await send(OVER)

    assert run(app).state["next"] == {"type": "lifespan.shutdown"}


def test_context_of_the_lifespan_stays_its_own() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["before"] = variable.get()
        variable.set("of the lifespan")
        await usual(scope, receive, send)

    async def worker() -> tuple[str, str]:
        variable.set("of the worker")
        lifespan = Lifespan(app, "on", state)
        await lifespan.startup()
        meanwhile = variable.get()
        await lifespan.shutdown(LONG)
        return meanwhile, variable.get()

    state: dict[str, Any] = {}
    assert asyncio.run(worker()) == ("of the worker", "of the worker")
    assert state["before"] == "of the worker"


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([{"type": "http.response.start"}], ValueError),
        ([{}], KeyError),
        ([OVER], RuntimeError),
        ([COMPLETE, COMPLETE], RuntimeError),
        ([COMPLETE, {"type": "lifespan.startup.failed"}], RuntimeError),
        ([COMPLETE, OVER], RuntimeError),
    ],
)
def test_message_that_is_not_expected_raises_in_the_application(
    messages: list[dict[str, str]], error: type[Exception]
) -> None:
    raised: list[Exception] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        *before, last = messages
        for message in before:
            await send(message)
        try:
            await send(last)
        except Exception as caught:
            raised.append(caught)
        if not before:
            await send(COMPLETE)

    run(app, "on")
    assert [type(one) for one in raised] == [error]


def test_startup_that_is_cancelled_takes_the_application_along() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    async def worker() -> None:
        starting = asyncio.create_task(Lifespan(app, "auto", {}).startup())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()

    seen: list[str] = []
    asyncio.run(worker())
    assert seen == ["cancelled"]


def test_exit_of_the_application_comes_out_of_the_loop() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SystemExit(7)

    with pytest.raises(SystemExit) as ended:
        run(app)
    assert ended.value.code == 7
