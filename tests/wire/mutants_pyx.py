"""Bugs to plant in the compiled core above the scanners; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from typing import NamedTuple

SOCKET = ("tests/wire/test_corpus_over_a_socket.py::test_client_sees_what_its_rule_says",)
PIPELINING = ("tests/unit/test_hub_pipelining.py",)
EXPECT = ("tests/unit/test_hub_expect.py",)
FRAMING = ("tests/unit/test_response_framing.py",)
LENGTH = ("tests/unit/test_response_length.py",)
ERRORS = ("tests/unit/test_response_errors.py",)
FILES = ("tests/unit/test_response_file.py",)
START = ("tests/unit/test_hub_start_response.py",)
EXTRAS = ("tests/unit/test_hub_extras.py",)
TIME = ("tests/unit/test_hub_time.py",)
ENVIRON = ("tests/unit/test_environ.py",)
BODY = ("tests/unit/test_body_input.py",)
FAULTS = ("tests/faults/test_faults.py",)


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
        "        if n == 0:\n            return self._refuse(connection, 0, 400)",
        "        if n == 0:\n            self._answer_with_body(connection)\n            return 0",
    ),
    CoreMutant(
        "uploads.pyx",
        "a chunked body has no length for the application",
        SOCKET,
        "self.running[CONTENT_LENGTH] = str(body.size)",
        "pass",
    ),
    # -- one request behind the other
    CoreMutant(
        "receiver.pyx",
        "what follows a close or a refusal is answered",
        SOCKET,
        "if connection.state == CLOSED or connection.close_after or connection.detached:",
        "if connection.state == CLOSED or connection.detached:",
    ),
    CoreMutant(
        "receiver.pyx",
        "the next answer begins in the middle of the one before",
        PIPELINING,
        "if connection.state == RESPONDING or count == PIPELINED_MAX:",
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
        "hub.pyx",
        "a refusal is cut off by a reset",
        SOCKET,
        "connection.lingers = BRIEF_LINGER if status == 408 else LINGER",
        "connection.lingers = 0",
    ),
    CoreMutant(
        "hub.pyx",
        "a refused connection is kept open",
        SOCKET,
        "responder.begin(connection, 1, connection.is_head, False, self.now)\n"
        "        responder.refuse(status)",
        "responder.begin(connection, 1, connection.is_head, True, self.now)\n"
        "        responder.refuse(status)\n        connection.close_after = False",
    ),
    # -- Expect and time
    CoreMutant(
        "receiver.pyx",
        "100 Continue although the body is here",
        EXPECT,
        "if p == end and self.parser.framing.expect_continue",
        "if self.parser.framing.expect_continue",
    ),
    CoreMutant(
        "receiver.pyx",
        "no 100 Continue",
        SOCKET,
        "if p == end and self.parser.framing.expect_continue",
        "if 0 and self.parser.framing.expect_continue",
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
        "hub.pyx",
        "a head that is late is closed without a word",
        TIME,
        "if wait == WHOLE_HEAD or wait == MORE_BODY:",
        "if wait == MORE_BODY:",
    ),
    CoreMutant(
        "hub.pyx",
        "a request that crosses the end of the wait is lost",
        TIME,
        "if wait != LINGER and wait != BRIEF_LINGER and recv(",
        "if False and recv(",
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
    # -- answers without a body
    CoreMutant(
        "exchange.pyx",
        "HEAD gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 304",
        "self.bodyless = status == 204 or status == 304",
    ),
    CoreMutant(
        "exchange.pyx",
        "204 gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 304",
        "self.bodyless = self.is_head or status == 304",
    ),
    CoreMutant(
        "exchange.pyx",
        "304 gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 304",
        "self.bodyless = self.is_head or status == 204",
    ),
    CoreMutant(
        "reshead.pyx",
        "204 says a length",
        FRAMING,
        "return self.status >= 200 and self.status != 204",
        "return True",
    ),
    CoreMutant(
        "response.pyx",
        "HEAD waits for the end of an endless body",
        ERRORS,
        "if self.head_sent and self.bodyless:",
        "if False:",
    ),
    # -- the end of an answer
    CoreMutant("exchange.pyx", "chunks for 1.0", FRAMING, "elif self.minor > 0:\n", "elif True:\n"),
    CoreMutant(
        "response.pyx",
        "no last chunk",
        LENGTH,
        "elif self.chunked and not self.bodyless:",
        "elif False:",
    ),
    CoreMutant(
        "response.pyx",
        "an answer that failed ends well",
        ERRORS,
        "            self.chunked = False\n            self.left = -1",
        "            self.left = -1",
    ),
    CoreMutant(
        "exchange.pyx",
        "more than the announced length",
        LENGTH,
        "cut = self.left >= 0 and n > self.left",
        "cut = False",
    ),
    CoreMutant(
        "response.pyx",
        "a short body leaves the connection open",
        LENGTH,
        "if self.left > 0 and not self.bodyless and not connection.broken:",
        "if False:",
    ),
    CoreMutant(
        "exchange.pyx",
        "an answer that closes does not say so",
        SOCKET,
        "closing = SAYS_CLOSE",
        "closing = STAYS_OPEN",
    ),
    CoreMutant(
        "exchange.pyx",
        "1.0 is not told that the connection stays",
        FRAMING,
        "closing = SAYS_KEEP_ALIVE",
        "closing = STAYS_OPEN",
    ),
    CoreMutant(
        "connection.pyx",
        "what the socket did not take is sent anew from its beginning",
        FAULTS,
        "outbox.offset = sent - n",
        "outbox.offset = 0",
    ),
    CoreMutant(
        "pusher.c",
        "an interrupted send ends the connection",
        FAULTS,
        "} while (n < 0 && errno == EINTR);",
        "} while (0);",
    ),
    # -- fields of the application
    CoreMutant(
        "reshead.pyx",
        "line ends in values",
        START,
        "if ff_value_span(value, value + vn, &obs) != <size_t>vn:",
        "if False:",
    ),
    CoreMutant(
        "reshead.pyx",
        "line ends in names",
        START,
        "if n == 0 or ff_token_span(name, name + n) != <size_t>n:",
        "if False:",
    ),
    CoreMutant(
        "reshead.pyx",
        "line ends in the status",
        START,
        "or not b'0' <= p[2] <= b'9' or ff_value_span(p, p + n, &obs) != <size_t>n):",
        "or not b'0' <= p[2] <= b'9'):",
    ),
    CoreMutant(
        "reshead.pyx",
        "a second Content-Length",
        LENGTH,
        "self.length = -1 if self.has_length else _decimal(value, vn)",
        "self.length = _decimal(value, vn)",
    ),
    CoreMutant(
        "reshead.pyx",
        "Transfer-Encoding of the application",
        FRAMING,
        'mine = ff_equals(name, n, b"transfer-encoding", 17)',
        "mine = False",
    ),
    CoreMutant(
        "reshead.pyx",
        "Connection: close of the application is ignored",
        FRAMING,
        "self.wants_close = True",
        "pass",
    ),
    CoreMutant(
        "reshead.pyx",
        "two Dates",
        FRAMING,
        'self.has_date |= ff_equals(name, n, b"date", 4)',
        "pass",
    ),
    CoreMutant(
        "exchange.pyx",
        "hints for 1.0",
        EXTRAS,
        "or self.head_sent or self.minor == 0:",
        "or self.head_sent:",
    ),
    # -- iterables and files
    CoreMutant(
        "response.pyx",
        "close() is called twice",
        ERRORS,
        "                    close()\n                finally:",
        "                    close()\n                    close()\n                finally:",
    ),
    CoreMutant(
        "response.pyx",
        "a body without start_response is sent",
        START,
        "if not self.started:\n            raise AssertionError(",
        "if False:\n            raise AssertionError(",
    ),
    CoreMutant(
        "response.pyx",
        "a file is sent from its beginning",
        FILES,
        "offset = wrapper.filelike.tell()",
        "offset = 0 * wrapper.filelike.tell()",
    ),
    CoreMutant(
        "response.pyx",
        "more of a file than the announced length",
        FILES,
        "available = min(available, self.head.length)",
        "pass",
    ),
)
