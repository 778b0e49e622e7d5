"""Bugs to plant in the compiled core above the scanners; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from typing import NamedTuple

SOCKET = ("tests/wire/test_corpus_over_a_socket.py::test_client_sees_what_its_rule_says",)
PIPELINING = ("tests/unit/test_hub_pipelining.py",)
EXPECT = ("tests/unit/test_hub_expect.py",)
LENGTH = ("tests/unit/test_response_length.py",)
TIME = ("tests/unit/test_hub_time.py",)
BODY = ("tests/unit/test_body_input.py",)


class CoreMutant(NamedTuple):
    """One planted bug: where, what, and the tests that must catch it."""

    file: str
    bug: str
    tests: tuple[str, ...]
    old: str
    new: str


PYX = (
    # -- bodies and what follows them
    CoreMutant(
        "body.pyx",
        "a body takes the next request along",
        SOCKET,
        "take = min(<int64_t>(end - p[0]), self.left)",
        "take = end - p[0]",
    ),
    CoreMutant(
        "body.pyx",
        "chunks have no limit",
        SOCKET,
        "<unsigned long long>max_body)",
        "<unsigned long long>0)",
    ),
    CoreMutant(
        "uploads.pyx",
        "a truncated body reaches the application",
        SOCKET + BODY,
        "        if n == 0:\n            self.answering.refuse(connection, 0, 400)\n",
        "        if n == 0:\n            self._answer_with_body(connection)\n",
    ),
    CoreMutant(
        "uploads.pyx",
        "a chunked body has no length for the application",
        SOCKET,
        "request.environ[CONTENT_LENGTH] = str(body.size)",
        "pass",
    ),
    # -- one request behind the other
    CoreMutant(
        "receiver.pyx",
        "what follows a close or a refusal is answered",
        SOCKET,
        "if connection.state == CLOSED or connection.close_after:",
        "if connection.state == CLOSED:",
    ),
    CoreMutant(
        "receiver.pyx",
        "the next answer begins in the middle of the one before",
        PIPELINING,
        "if connection.state > BODY or count == PIPELINED_MAX:",
        "if count == PIPELINED_MAX:",
    ),
    CoreMutant(
        "batch.pyx",
        "an answer goes to whoever was answered before",
        PIPELINING,
        "if i < 0 or self.connections[i] != <PyObject *>connection or self.bodies[i] != NULL:",
        "if i < 0 or self.bodies[i] != NULL:",
    ),
    CoreMutant(
        "answering.pyx",
        "a refusal is cut off by a reset",
        SOCKET,
        "connection.lingers = BRIEF_LINGER if status == 408 else LINGER",
        "connection.lingers = 0",
    ),
    CoreMutant(
        "answering.pyx",
        "a refused connection is kept open",
        SOCKET,
        "writer.refuse(status)",
        "writer.refuse(status)\n        connection.close_after = False",
    ),
    # -- Expect and time
    CoreMutant(
        "receiver.pyx",
        "100 Continue although the body is here",
        EXPECT,
        "(p == end and self.parser.framing.expect_continue",
        "(self.parser.framing.expect_continue",
    ),
    CoreMutant(
        "receiver.pyx",
        "no 100 Continue",
        SOCKET,
        "(p == end and self.parser.framing.expect_continue",
        "(0 and self.parser.framing.expect_continue",
    ),
    CoreMutant(
        "receiver.pyx",
        "each byte of a head gives it new time",
        TIME,
        "        if was_idle:\n",
        "        if True:\n",
    ),
    CoreMutant(
        "receiver.pyx",
        "an empty line is a head that is late",
        TIME,
        "if connection.is_blank():\n            return 0  #",
        "if False:\n            return 0  #",
    ),
    CoreMutant(
        "http1.pyx",
        "a head that is late is closed without a word",
        TIME,
        "if wait == WHOLE_HEAD or wait == MORE_BODY:",
        "if wait == MORE_BODY:",
    ),
    CoreMutant(
        "connections.pyx",
        "a request that crosses the end of the wait is lost",
        TIME,
        "if recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0:",
        "if False:",
    ),
    # -- the environ
    CoreMutant(
        "environ.pyx",
        "httpoxy",
        SOCKET,
        "if field.id == FF_PROXY or field.id == FF_TRANSFER_ENCODING:",
        "if field.id == FF_TRANSFER_ENCODING:",
    ),
    CoreMutant(
        "environ.pyx",
        "Transfer-Encoding is handed on",
        SOCKET,
        "if field.id == FF_PROXY or field.id == FF_TRANSFER_ENCODING:",
        "if field.id == FF_PROXY:",
    ),
    CoreMutant(
        "environ.pyx",
        "Host although the target has an authority",
        SOCKET,
        "if head.form == FF_ABSOLUTE_FORM:",
        "if False:",
    ),
    CoreMutant(
        "environ.pyx",
        "an empty PATH_INFO",
        SOCKET,
        "PyDict_SetItem(environ, PATH_INFO, SLASH)",
        "PyDict_SetItem(environ, PATH_INFO, '')",
    ),
    CoreMutant(
        "environ.pyx",
        "cookies are joined like lists",
        SOCKET,
        '"; " if key == "HTTP_COOKIE" else ","',
        '","',
    ),
    CoreMutant(
        "environ.pyx",
        "1.0 is told to be 1.1",
        SOCKET,
        "if head.minor == 0:\n            PyDict_SetItem(environ, SERVER_PROTOCOL",
        "if False:\n            PyDict_SetItem(environ, SERVER_PROTOCOL",
    ),
)
