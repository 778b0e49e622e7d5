"""Many requests on many connections, each answer checked.

For correctness under load, not for speed: the reader is strict and slow.

Runs in: cli
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.kit.client import Endpoint, RawClient


def hammer(endpoint: Endpoint, *, connections: int, requests: int, timeout: float = 30.0) -> int:
    """Send `requests` GETs over `connections` kept-alive connections at the same time.

    The application must answer with the query string, so that an answer which reaches the
    wrong connection, or comes twice, is seen.  Returns the number of right answers.
    timeout: seconds a read.  Raises AssertionError at the first wrong answer.
    """
    share, rest = divmod(requests, connections)

    def one(number: int) -> int:
        count = share + (number < rest)
        with RawClient(endpoint, timeout=timeout) as client:
            for turn in range(count):
                query = f"connection={number}&turn={turn}"
                answer = client.request("GET", f"/?{query}")
                assert answer.status == 200, answer
                assert answer.text == query, answer
        return count

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(one, range(connections)))
