"""Ten thousand requests on 64 connections, through each parser.

Runs in: cli
"""

from __future__ import annotations

from tests.conftest import Starter
from tests.kit.load import hammer


def test_ten_thousand_requests_on_64_connections_are_answered_without_an_error(
    start_server: Starter, http_parser: str
) -> None:
    server = start_server("echo_query:app", "--http-parser", http_parser, workers=2)
    pids = server.worker_pids()
    assert hammer(server.endpoint, connections=64, requests=10_000) == 10_000
    assert server.worker_pids() == pids


def test_parsers_answer_the_same_bytes(start_server: Starter) -> None:
    request = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: here\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    answers = []
    for parser in ("httptools", "native"):
        client = start_server("echo_query:app", "--http-parser", parser).connect()
        client.send(request)
        answer = client.read_response()
        client.expect_end()
        answers.append([field for field in answer.fields if field[0] != "Date"])
    assert answers[0] == answers[1]


def test_worker_serves_on_after_clients_that_asked_to_close(
    start_server: Starter, http_parser: str
) -> None:
    server = start_server("echo_query:app", "--http-parser", http_parser)
    for number in range(5):
        answer = server.get(f"/?{number}")
        assert (answer.status, answer.text, answer.closes) == (200, str(number), True)
