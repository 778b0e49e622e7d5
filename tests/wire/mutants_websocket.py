"""Bugs to plant in the reader of WebSocket frames and of UTF-8; see mutants.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutant import Mutant

# The file, the bug, the text, and what stands there instead.
_PLANTED = (
    ("frames", "RSV2", "if (first & 0x30)", "if (first & 0x10)"),
    ("frames", "RSV3", "if (first & 0x30)", "if (first & 0x20)"),
    ("frames", "RSV1 without compression", "(!deflate || (opcode", "((opcode"),
    ("frames", "RSV1 in a continuation", "(opcode != FF_WS_TEXT && opcode != FF_WS_BINARY)",
     "opcode > FF_WS_BINARY"),
    ("frames", "opcode 3", "(opcode > FF_WS_BINARY && opcode",
     "(opcode > FF_WS_BINARY + 1 && opcode"),
    ("frames", "opcode 11", "opcode > FF_WS_PONG)", "opcode > FF_WS_PONG + 1)"),
    ("frames", "fragments of control frames", "&& !(first & FF_WS_FIN))", "&& 0)"),
    ("frames", "frames without a mask", "if (!(b[1] & 0x80))", "if (0)"),
    ("frames", "a long ping", "length > FF_WS_CONTROL_MAX)", "length > FF_WS_CONTROL_MAX + 1)"),
    ("frames", "64 bits", "if (extra == 8 && n > 2 && b[2] & 0x80)", "if (0)"),
    ("frames", "longer forms of two bytes", "(extra == 2 ? 126u : 65536u)",
     "(extra == 2 ? 0u : 65536u)"),
    ("frames", "longer forms of eight bytes", "(extra == 2 ? 126u : 65536u)",
     "(extra == 2 ? 126u : 65535u)"),
    ("frames", "a key that has not come", "    if (n < size)\n        return FF_NEED_DATA;\n", ""),
    ("frames", "the key is read too early", "b + size - 4, 4", "b + 2, 4"),
    ("frames", "126 written in one byte", "length < 126 ? 0 : length < 65536 ? 2",
     "length < 127 ? 0 : length < 65536 ? 2"),
    ("frames", "65536 written in two bytes", "? 0 : length < 65536 ? 2",
     "? 0 : length <= 65536 ? 2"),
    ("frames", "the phase of the mask", "key[(at + i) & 3]", "key[i & 3]"),
    ("frames", "text beyond ASCII in the last bytes", "if (to[i] & 0x80)", "if (0)"),
    ("frames", "text beyond ASCII in words", "if (word & 0x8080808080808080u)",
     "if (word & 0x0080808080808080u)"),
    ("frames", "code 1004", "&& code != 1004", ""),
    ("frames", "code 1006", "&& code != 1006", ""),
    ("frames", "code 1015", "code <= 1014", "code <= 1015"),
    ("frames", "code 2999", "if (code >= 3000)", "if (code >= 2999)"),
    ("frames", "code 5000", "code < 5000", "code <= 5000"),
    ("utf8", "C1", "if (c < 0xc2)", "if (c < 0xc1)"),
    ("utf8", "surrogates", ": c == 0xed ? AFTER_ED", ""),
    ("utf8", "long forms of three bytes", "c == 0xe0 ? AFTER_E0 :", ""),
    ("utf8", "long forms of four bytes", "c == 0xf0 ? AFTER_F0 :", ""),
    ("utf8", "above U+10FFFF", ": c == 0xf4 ? AFTER_F4", ""),
    ("utf8", "F5", "if (c < 0xf5)", "if (c < 0xf6)"),
    ("utf8", "U+10FFFF refused", "{0x80, 0x8f, TWO_MORE}", "{0x80, 0x8e, TWO_MORE}"),
    ("utf8", "the state is not kept", "        state = INSIDE[state].next;",
     "        state = WHOLE;"),
    ("utf8", "what is bad becomes good",
     "    if (state == FF_UTF8_BAD)\n        return FF_UTF8_BAD;\n    while",
     "    if (state == FF_UTF8_BAD)\n        state = WHOLE;\n    while"),
)  # fmt: skip

WEBSOCKET = tuple(Mutant(f"ws/{file}.c", bug, old, new) for file, bug, old, new in _PLANTED)
