"""Bugs to plant in what the core makes of the application's answer; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutants_pyx import CoreMutant

SOCKET = ("tests/wire/test_corpus_over_a_socket.py::test_client_sees_what_its_rule_says",)
FRAMING = ("tests/unit/test_response_framing.py",)
LENGTH = ("tests/unit/test_response_length.py",)
ERRORS = ("tests/unit/test_response_errors.py",)
FILES = ("tests/unit/test_response_file.py",)
START = ("tests/unit/test_hub_status_and_fields.py",)
EXTRAS = ("tests/unit/test_hub_extras.py",)
FAULTS = ("tests/faults/test_faults.py",)

RESPONSES = (
    # -- answers without a body
    CoreMutant(
        "writer.pyx",
        "HEAD gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 205 or status == 304",
        "self.bodyless = status == 204 or status == 304",
    ),
    CoreMutant(
        "writer.pyx",
        "204 gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 205 or status == 304",
        "self.bodyless = self.is_head or status == 304",
    ),
    CoreMutant(
        "writer.pyx",
        "304 gets a body",
        FRAMING,
        "self.bodyless = self.is_head or status == 204 or status == 205 or status == 304",
        "self.bodyless = self.is_head or status == 204 or status == 205",
    ),
    CoreMutant(
        "writer.pyx",
        "205 gets a body",
        FRAMING,
        "or status == 205 or status == 304",
        "or status == 304",
    ),
    CoreMutant(
        "writer.pyx",
        "205 says no length",
        FRAMING,
        "elif status == 205:  # RFC 9110 section 15.3.6\n            add_length = 0",
        "elif status == 205:\n            add_length = -1",
    ),
    CoreMutant(
        "parsers.pyx",
        "llhttp judges bytes above 0x7F",
        ("tests/wire/test_corpus.py",),
        "if self.head.target_has_obs or self.framing.te_has_tab:",
        "if self.framing.te_has_tab:",
    ),
    CoreMutant(
        "parsers.pyx",
        "llhttp judges tabs",
        ("tests/wire/test_corpus.py",),
        "if self.head.target_has_obs or self.framing.te_has_tab:",
        "if self.head.target_has_obs:",
    ),
    CoreMutant(
        "response_head.pyx",
        "blanks behind a value are sent",
        START,
        "while vn and (value[vn - 1] == b' ' or value[vn - 1] == b'\\t'):",
        "while False:",
    ),
    CoreMutant(
        "response_head.pyx",
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
    CoreMutant("writer.pyx", "chunks for 1.0", FRAMING, "elif self.minor > 0:\n", "elif True:\n"),
    CoreMutant(
        "writer.pyx",
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
        "writer.pyx",
        "more than the announced length",
        LENGTH,
        "cut = self.left >= 0 and n > self.left",
        "cut = False",
    ),
    CoreMutant(
        "writer.pyx",
        "a short body leaves the connection open",
        LENGTH,
        "if self.left > 0 and not self.bodyless and not connection.broken:",
        "if False:",
    ),
    CoreMutant(
        "writer.pyx",
        "an answer that closes does not say so",
        SOCKET,
        "closing = SAYS_CLOSE",
        "closing = STAYS_OPEN",
    ),
    CoreMutant(
        "writer.pyx",
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
        "flusher.c",
        "an interrupted send ends the connection",
        FAULTS,
        "} while (n < 0 && ff_interrupted(errno));",
        "} while (0);",
    ),
    # -- fields of the application
    CoreMutant(
        "response_head.pyx",
        "line ends in values",
        START,
        "if ff_value_span(value, value + vn, &obs) != <size_t>vn:",
        "if False:",
    ),
    CoreMutant(
        "response_head.pyx",
        "line ends in names",
        START,
        "name = _latin1(field, &n)\n    if n == 0 or ff_token_span(name, name + n) != <size_t>n:",
        "name = _latin1(field, &n)\n    if False:",
    ),
    CoreMutant(
        "response_head.pyx",
        "line ends in the status",
        START,
        "or ff_value_span(p, p + n, &obs) != <size_t>n):",
        "or False):",
    ),
    CoreMutant(
        "response_head.pyx",
        "a second Content-Length",
        LENGTH,
        "self.length = -1 if self.has_length else _decimal(value, vn)",
        "self.length = _decimal(value, vn)",
    ),
    CoreMutant(
        "response_head.pyx",
        "Transfer-Encoding of the application",
        FRAMING,
        'ours = ff_equals(name, n, b"transfer-encoding", 17)',
        "ours = False",
    ),
    CoreMutant(
        "response_head.pyx",
        "Connection: close of the application is ignored",
        FRAMING,
        "self.wants_close = True",
        "pass",
    ),
    CoreMutant(
        "response_head.pyx",
        "two Dates",
        FRAMING,
        'return DATE if ff_equals(name, n, b"date", 4) else PLAIN',
        "return PLAIN",
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
        "                    close()\n            finally:",
        "                    close()\n                    close()\n            finally:",
    ),
    CoreMutant(
        "writer.pyx",
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
        "segment.left = min(segment.left, self.head.length)\n            if segment",
        "pass\n            if segment",
    ),
)
