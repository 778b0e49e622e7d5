"""WebSockets of a worker that goes: they live on for a while, and do not all end in one moment."""

from __future__ import annotations

import threading
import time

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.websocket import TEXT, WebSocket

COUNT = 9
GRACE = 6  # seconds: they are closed in the second half, but for its last second


def test_websockets_of_a_worker_that_goes_are_closed_one_after_the_other(
    start_server: Starter,
) -> None:
    server = start_server("asgi_echo:app", "-k", "asgi", "--graceful-timeout", str(GRACE))
    clients = [RawClient(server.endpoint, timeout=GRACE + 10) for _ in range(COUNT)]
    opened = [WebSocket.open(client, "/") for client in clients]
    codes: list[int] = []
    ends: list[float] = []

    def wait(one: WebSocket) -> None:
        codes.append(one.closed()[0])
        ends.append(time.monotonic())

    waiting = [threading.Thread(target=wait, args=(one,)) for one in opened]
    server.signal("TERM")
    opened[0].send(TEXT, b"still here")
    assert opened[0].message().payload == b"still here"
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(GRACE + 10)
    for client in clients:
        client.close()
    server.wait_exit()
    assert codes == [1012] * COUNT
    # At least two of the looks that a worker has at itself, a second apart, have closed some.
    assert max(ends) - min(ends) > 0.5
