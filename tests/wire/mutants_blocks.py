"""Bugs to plant in what is remembered of field blocks; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutants_pyx import CoreMutant

FORWARDED = ("tests/unit/test_hub_forwarded.py",)
KNOWN = ("tests/unit/test_field_blocks.py",)

_PLANTED = (
    ("blocks.pyx", "a block is known by its beginning", KNOWN,
     "and memcmp(one.bytes, p, one.size) == 0):", "and memcmp(one.bytes, p, 16) == 0):"),
    ("blocks.pyx", "a block is known by its number", KNOWN,
     "self.seed ^ <uint64_t><void *>self.template) | 1", "self.seed) & 1 | 2"),
    ("blocks.pyx", "blocks have no limit together", KNOWN,
     "self.kept + 2 * self.size + DICT_SIZE > MOST", "False"),
    ("blocks.pyx", "blocks have no limit each", KNOWN,
     "if size == 0 or size > SIZE_MAX:", "if size == 0:"),
    ("blocks.pyx", "blocks grow old", KNOWN,
     "now_ns() - self.since_ns > self.kept_seconds * 1e9", "False"),
    ("blocks.pyx", "a block is kept when it comes first", KNOWN,
     "            one.hash = self.hash\n            return 0\n        if not self.is_seen or",
     "            one.hash = self.hash\n        if"),
    ("environ.pyx", "the application changes what is known", KNOWN,
     "environ = <dict>PyDict_Copy(blocks.known)", "environ = blocks.known"),
    ("environ.pyx", "the application gets what is kept", KNOWN,
     "            if blocks.is_seen:\n                environ = <dict>PyDict_Copy(environ)\n", ""),
    ("environ.pyx", "folded fields are remembered", KNOWN,
     "if blocks.size and not head.is_lenient:", "if blocks.size:"),
    ("environ.pyx", "what the fields say of the client is forgotten", FORWARDED,
     "self.marks = blocks.marks", "self.marks = 0"),
    ("parsers.pyx", "the version says nothing", KNOWN,
     "if blocks is not None and self.head.minor == 1:", "if blocks is not None:"),
    ("parsers.pyx", "a known block has any length of head", KNOWN,
     "(not limits.head or self.line + known <= limits.head)", "True"),
    ("parsers.pyx", "several heads are one block", KNOWN,
     "if known != self.line + blocks.size:", "if False:"),
    ("parsers.pyx", "llhttp is not asked about the line", KNOWN,
     "agrees = self._agrees(line, len(line), False)", "agrees = True"),
    ("parsers.pyx", "a known block frames nothing", KNOWN,
     "self.framing = blocks.framing", "pass"),
)  # fmt: skip

BLOCKS = tuple(CoreMutant(*planted) for planted in _PLANTED)
