"""The application in its event loop: tasks, threads, contexts, and requests beside each other.

Runs in: cli
"""

from __future__ import annotations

from tests.asgi.case import Group
from tests.asgi.stage import Stage, value_of

group = Group("tasks")
rule, wish = group.rule, group.wish


@rule
def lifespan_and_requests_have_one_loop(stage: Stage) -> None:
    """lifespan: The important part is that lifespans and requests are run in the same event
    loop."""
    assert stage.value("the_loop") is True


@rule
def request_runs_in_a_task(stage: Stage) -> None:
    """asgi: ASGI applications must run as `asyncio`-compatible coroutines; anyio, timeouts and
    tracing ask for the current task."""
    assert stage.value("current_task") == (True, True, True)


@rule
def time_limits_work(stage: Stage) -> None:
    """asgi: `asyncio`-compatible."""
    assert stage.value("time_limit") == ["kept", "exceeded"]


@rule
def task_groups_work(stage: Stage) -> None:
    """asgi: `asyncio`-compatible."""
    assert stage.value("task_group") == (["KeyError"], 2)


@rule
def threads_work_and_have_the_context(stage: Stage) -> None:
    """asgi: they are free to use threading or other processes if they need synchronous code."""
    assert stage.value("to_thread") == (True, "of the request")


@rule
def thread_wakes_a_loop_that_has_nothing_to_do(stage: Stage) -> None:
    """asgi: `asyncio`-compatible: call_soon_threadsafe() ends the wait of the loop."""
    assert stage.value("woken_by_a_thread") == "woken"


@rule
def sockets_of_the_application_work(stage: Stage) -> None:
    """asgi: `asyncio`-compatible: the loop serves what the application opens, too."""
    assert stage.value("own_connection") == b"THROUGH THE LOOP\n"


@rule
def child_processes_work(stage: Stage) -> None:
    """asgi: they are free to use threading or other processes."""
    assert stage.value("subprocess") == (b"from a child\n", 0)


@wish
def variables_of_a_request_reach_no_other(stage: Stage) -> None:
    """What tracing keeps for one request must not be taken for the next one's (uvicorn 2167, 2742,
    2911)."""
    client = stage.connect()
    for _ in range(3):
        client.send(stage.head("variables"))
        before, _, child = value_of(client.read_response())
        assert (before, child) == ("unset", True)
    client.send(stage.head("variables") * 3)
    assert [value_of(client.read_response())[0] for _ in range(3)] == ["unset"] * 3


@wish
def variables_of_the_lifespan_reach_no_request(stage: Stage) -> None:
    """lifespan: scope["state"] is for that, without using context variables."""
    assert stage.value("variables")[1] == "unset"


@rule
def request_that_waits_holds_up_no_other_connection(stage: Stage) -> None:
    """asgi: All this happening in an asynchronous event loop."""
    waiting = stage.send("held")
    stage.told("waits")
    assert [stage.value("quick") for _ in range(3)] == ["quick"] * 3
    stage.cue()
    assert value_of(waiting.read_response()) == "held"


@rule
def many_requests_wait_at_once(stage: Stage) -> None:
    """asgi: All this happening in an asynchronous event loop."""
    waiting = [stage.send("held") for _ in range(50)]
    stage.told("waits")
    assert stage.value("quick") == "quick"
    stage.cue()
    assert [value_of(client.read_response()) for client in waiting] == ["held"] * 50


@rule
def pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    """RFC 9112 section 9.3.2: it MUST send the corresponding responses in the same order that the
    requests were received (gunicorn 3727: dropped)."""
    client = stage.connect()
    client.send(stage.head("held") + stage.head("quick") + stage.head("whole"))
    stage.told("waits")
    stage.cue()
    assert value_of(client.read_response()) == "held"
    assert value_of(client.read_response()) == "quick"
    assert client.read_response().body == b"whole"


@wish
def work_after_the_answer_does_not_hold_up_the_next_request(stage: Stage) -> None:
    """Starlette's and FastAPI's background tasks run in the same call; the response is complete
    (www: If `more_body` is False, this will complete the response)."""
    client = stage.send("background")
    assert value_of(client.read_response()) == "answered"
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"
    stage.cue()
    assert stage.told("ended")["finished"] is True


@wish
def client_that_leaves_cancels_nobody(stage: Stage) -> None:
    """Cleaning up takes its time; cancelling breaks pools of connections (gunicorn 3484, 3485,
    django 17675)."""
    client = stage.send("in_its_own_time")
    stage.told("waits")
    client.reset()
    told = stage.told("ended")
    assert told.get("cleaned") is True
    assert "cancelled" not in told


@rule
def client_that_leaves_does_not_end_background_work(stage: Stage) -> None:
    """asgi: Each call of the application callable is expected to last the lifetime of that
    connection plus a little longer if there is cleanup to do."""
    client = stage.send("background")
    assert value_of(client.read_response()) == "answered"
    client.reset()
    assert stage.value("quick") == "quick"
    stage.cue()
    assert stage.told("ended")["finished"] is True
