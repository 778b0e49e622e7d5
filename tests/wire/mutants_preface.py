"""Bugs to plant in the reader of the PROXY protocol; see mutants.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutant import Mutant

FILE = "proxy_protocol.c"

# The bug, the text, and what stands there instead.
_PLANTED = (
    ("version 2 where version 1 is asked for", "(versions & FF_PREFACE_V2)", "versions"),
    ("version 1 where version 2 is asked for", "(versions & FF_PREFACE_V1)", "versions"),
    ("a line of 108 bytes", "if (i + 1 >= FF_PREFACE_V1_MAX)", "if (i + 1 > FF_PREFACE_V1_MAX)"),
    ("control bytes in the line", "(unsigned char)p[i] < 0x20 ||", ""),
    ("DEL and beyond in the line", "|| (unsigned char)p[i] > 0x7e", ""),
    ("CR without LF", "if (p[i + 1] != '\\n' || !", "if (!"),
    ("what begins like nothing is waited for", "if (!may_begin(p, n))", "if (0)"),
    ("addresses behind UNKNOWN are refused", "if (*p == 'U')", "if (*p == 'U' && p[7] == '\\r')"),
    ("TCP5", '"PROXY TCP6 ", "PROXY UNKNOWN "', '"PROXY TCP5 ", "PROXY UNKNOWN "'),
    ("UNKNOWNS", '"PROXY UNKNOWN "', '"PROXY UNKNOWN"'),
    ("TCP6 is taken for TCP4", "p[3] == '4' ? AF_INET : AF_INET6", "AF_INET"),
    ("an address that is none", "if (inet_pton(family, own, raw) != 1)\n        return 0;",
     "inet_pton(family, own, raw);"),
    ("an empty word", "if (n == 0 || (n > 1 && word[0] == '0'))",
     "if (n > 1 && word[0] == '0')"),
    ("a port with zeros in front", "|| (n > 1 && word[0] == '0')", ""),
    ("a port of letters", "if (word[i] < '0' || word[i] > '9')", "if (word[i] < '0')"),
    ("a signed port", "if (word[i] < '0' || word[i] > '9')", "if (word[i] > '9')"),
    ("a port too large", "    if (value > 65535)\n        return 0;\n", ""),
    ("a long word", "|| (size_t)(q - *p) > most", ""),
    ("two spaces", "    *p = q + 1;\n", "    *p = q + 1 + (q[1] == ' ');\n"),
    ("any command", "if (n > 12 && p[12] != PROXY && p[12] != LOCAL)", "if (0)"),
    ("LOCAL is looked at", "if (n > 13 && p[12] == PROXY && (kind", "if (n > 13 && (kind"),
    ("UDP", "    case 0x11:\n", "    case 0x12:\n    case 0x11:\n"),
    ("a family of the future", "return -1;\n}\n\nstatic uint16_t",
     "return 0;\n}\n\nstatic uint16_t"),
    ("addresses cut short", "if (length < size || length > FF_PREFACE_V2_MAX)",
     "if (length > FF_PREFACE_V2_MAX)"),
    ("64 KiB", "if (length < size || length > FF_PREFACE_V2_MAX)", "if (length < size)"),
    ("the length as one byte", "length = two_bytes(p + 14)", "length = (unsigned char)p[15]"),
    ("the length the other way round", "(unsigned char)p[0] << 8 | (unsigned char)p[1]",
     "(unsigned char)p[1] << 8 | (unsigned char)p[0]"),
    ("a signed length", "(uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1])",
     "(uint16_t)(p[0] << 8 | p[1])"),
    ("half of the addresses", "    if (n < FIXED + length)\n        return FF_NEED_DATA;\n", ""),
    ("TLVs that overrun", "left < TLV_HEAD || ff_next_tlv(p, &type, &value, &len) > left",
     "left < TLV_HEAD || (ff_next_tlv(p, &type, &value, &len), 0)"),
    ("half a TLV", "left < TLV_HEAD || ff_next_tlv(p, &type, &value, &len) > left",
     "ff_next_tlv(p, &type, &value, &len) > left"),
    ("malformed TLVs", "return FF_BAD_PREFACE; /* behind UNSPEC", """;/* behind UNSPEC"""),
    ("TLVs behind LOCAL", "kind != FF_PREFACE_LOCAL && tlvs_fit", "tlvs_fit"),
    ("TLVs that begin with the addresses", "found.tlvs.at = (uint32_t)(FIXED + size)",
     "found.tlvs.at = (uint32_t)FIXED"),
    ("the length of a TLV as one byte", "*len = (size_t)u[1] << 8 | u[2]", "*len = u[2]"),
    ("the source is the target's", "inet_ntop(family, p, f->source",
     "inet_ntop(family, p + n, f->source"),
    ("the port of the target for both", "f->source_port = two_bytes(p + 2 * n);",
     "f->source_port = two_bytes(p + 2 * n + 2);"),
    ("IPv6 of four bytes", "n = family == AF_INET ? 4 : 16", "n = 4"),
    ("the signature's last byte", "SIGNATURE = 12,", "SIGNATURE = 11,"),
    ("it is written to before it is complete", "    ff_preface found = {.version = 1};\n",
     "    ff_preface found = {.version = 1};\n    f->kind = 0;\n"),
)  # fmt: skip

PREFACE = tuple(Mutant(FILE, bug, old, new) for bug, old, new in _PLANTED)
