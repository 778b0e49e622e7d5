"""Bugs to plant in the WebSocket codec; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutants_pyx import CoreMutant

TESTS = tuple(
    f"tests/unit/test_websocket_{name}.py" for name in ("codec", "control", "deflate", "handshake")
)

# The file, the bug, the text, and what stands there instead.
_PLANTED = (
    ("wsmessages", "the phase of the mask is lost",
     "self.phase = <uint8_t>((self.phase + size) & 3)",
     "self.phase = 0"),
    ("wsmessages", "a message inside another", "        elif self.message:\n",
     "        elif False:\n"),
    ("wsmessages", "a continuation of nothing", "            if not self.message:\n",
     "            if False:\n"),
    ("wsmessages", "fragments count each by itself", "<uint64_t>(most - self.size)",
     "<uint64_t>most"),
    ("wsmessages", "compressed fragments have no allowance",
     "if h.rsv1 or (h.opcode == FF_WS_CONTINUATION and self.is_deflated):", "if False:"),
    ("wsmessages", "bad text is refused at its end alone",
     "                if self.utf8 == FF_UTF8_BAD:\n", "                if False:\n"),
    ("wsmessages", "what is announced is believed", "<Py_ssize_t>TAKEN_AT_ONCE)",
     "<Py_ssize_t>1 << 60)"),
    ("wsmessages", "the queue has no end", "or self._count() >= self.max_queue):", "or False):"),
    ("wsmessages", "bytes that wait do not count", "self.queued >= self.max_queued or", "False or"),
    ("wsmessages", "what was taken still counts", "        self.queued -= weight(message)\n", ""),
    ("wsmessages", "it goes on at once", "2 * self.queued > self.max_queued):", "False):"),
    ("wsmessages", "what comes in a pause is read",
     "        if self.rest is not None:\n            self.rest += p[:n]\n            return 0\n",
     ""),
    ("wsmessages", "half a message is kept after the end",
     "        self._drop()\n        self.control = self.rest = None\n",
     "        self.rest = None\n"),
    ("wsmessages", "frames behind an error of ours are read",
     "            self.state |= WS_FAILED\n            self.code", "            self.code"),
    ("websocket", "pongs without end",
     "elif self.owed is None and len(self.reply) + len(frame) <= REPLY_MAX:", "elif True:"),
    ("websocket", "pings are answered in closing", "return 0 if self.state & WS_CLOSE_SENT else",
     "return"),
    ("websocket", "any pong will do", "memcmp(p, expected, TOLD_APART) == 0", "True"),
    ("websocket", "a close frame of one byte", "        if n == 1:\n", "        if False:\n"),
    ("websocket", "any code of the client's", "            if not ff_ws_is_close_code(code):\n",
     "            if False:\n"),
    ("websocket", "any code of the server's", "if code < 0 or not ff_ws_is_close_code(code):",
     "if False:"),
    ("websocket", "two close frames",
     "        if self.state & WS_CLOSE_SENT:\n            return None\n", ""),
    ("websocket", "messages are kept after the server's close",
     "        self.first = self.more = None\n        self.queued = 0\n        self._drop()\n", ""),
    ("websocket", "a reason is cut anywhere", "(<unsigned char>reason[n] & 0xC0) == 0x80", "False"),
    ("websocket", "the failure's code is not the one that is sent",
     "        if self.state & WS_FAILED:\n            return self.take_close()\n", ""),
    ("wsdeflate", "short messages may be larger than they were",
     "                and len(first) + len(last) - len(TAIL) >= len(data)):",
     "                and False):"),
    ("wsdeflate", "the tail is sent", "last[:len(last) - len(TAIL)]", "last[:len(last)]"),
    ("wsdeflate", "bombs", "PyMemoryView_FromMemory(p, n, PyBUF_READ), most + 1)",
     "PyMemoryView_FromMemory(p, n, PyBUF_READ))"),
    ("wsdeflate", "the client's state is kept", "decompressor if self.client_takeover else None",
     "decompressor"),
    ("wsdeflate", "bytes behind the last block", 'not in (b"", b"\\0", TAIL)',
     'in ("",)'),
    ("wsdeflate", "a window the client did not offer", "if bounded:\n", "if True:\n"),
    ("wsdeflate", "a parameter twice", "len(offered) != len(parameters) or not", "not"),
    ("wsdeflate", "a window of 8 bits", "    if server_bits < LEAST_BITS:\n        return None\n",
     ""),
    ("wshandshake", "HTTP/1.0", "if minor < 1 or not", "if not"),
    ("wshandshake", "any method", "    if not is_get:\n        return MALFORMED\n", ""),
    ("wshandshake", "a longer key", "KEY.fullmatch(key)", "KEY.match(key)"),
)  # fmt: skip

WSCODEC = tuple(CoreMutant(f"{file}.pyx", bug, TESTS, old, new) for file, bug, old, new in _PLANTED)
