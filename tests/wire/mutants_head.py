"""Bugs to plant in the scanner of heads; see mutants.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutant import Mutant

HEAD = (
    Mutant("scan.c", "a fifth empty line", "++blank > FF_MAX_BLANK_LINES", "++blank > 5"),
    Mutant("scan.c", "CR as an empty line", "if (q[1] != '\\n')", "if (0)"),
    Mutant(
        "field.h",
        "DEL in a value, wide",
        "ff_equal(c, del));\n        ff_mask stops",
        "zero);\n        ff_mask stops",
    ),
    Mutant("field.h", "DEL in a value, narrow", "&& c != '\\t') || c == 0x7f)", "&& c != '\\t'))"),
    Mutant("field.h", "obs-text behind the stop counts", "ff_before(highs, at)", "highs"),
    Mutant("field.h", "obs-text in whole blocks is lost", "high |= highs;", ";"),
    Mutant(
        "field.h",
        "a value read 1 byte too far",
        "ff_mask high = 0;\n\n    while (end - q >= 16)",
        "ff_mask high = 0;\n\n    while (end - q >= 15)",
    ),
    Mutant(
        "scan.c",
        "a target read 1 byte too far",
        "0x7f);\n\n    while (end - q >= 16)",
        "0x7f);\n\n    while (end - q >= 15)",
    ),
    Mutant(
        "scan.c",
        "DEL in a target",
        "else if (c <= 0x20 || c == 0x7f)",
        "else if (c <= 0x20)",
    ),
    Mutant(
        "scan.c",
        "bytes above 0x7F in a target are not told",
        "if (c >= 0x80)\n            *obs = 1;\n        else if (c <= 0x20",
        "if (c >= 0x80)\n            ;\n        else if (c <= 0x20",
    ),
    Mutant(
        "framing.c",
        "a tab behind Transfer-Encoding is not told",
        "f->te_tab |= *m == '\\t';",
        ";",
    ),
    Mutant("scan.c", "lower case methods", "lower |= p[i] >= 'a' && p[i] <= 'z';", ""),
    Mutant("scan.c", "methods of 21 bytes", "n < 3 || n > 20", "n < 3 || n > 21"),
    Mutant("scan.c", "HTTP/2.0", "if (p[5] != '1')", "if (p[5] == '0')"),
    Mutant(
        "scan.c",
        "HTTP/1.10",
        "if (p[8] != '\\r')\n        return FF_BAD_VERSION;",
        "if (p[8] != '\\r')\n        return FF_NEED_DATA;",
    ),
    Mutant(
        "scan.c",
        "a line that ends in CR alone",
        "if (p[9] != '\\n')\n        return FF_BARE_CR;",
        "",
    ),
    Mutant("scan.c", "any byte as the dot", "if (i == 6 ? p[i] != '.' :", "if (i == 6 ? 0 :"),
    Mutant(
        "scan.c",
        "a line one byte too long",
        "stop = line + limits->line + 2;",
        "stop = line + limits->line + 3;",
    ),
    Mutant(
        "scan.c",
        "a long line without end is waited for",
        "return used == FF_NEED_DATA ? cut : used;",
        "return used;",
    ),
    Mutant(
        "field.c",
        "a space before the colon",
        "if (!(options & FF_STRIP_SPACES))",
        "if (0)",
    ),
    Mutant(
        "field.c", "an empty field name", "if (n == 0)\n        return", "if (0)\n        return"
    ),
    Mutant(
        "field.c",
        "a tab is kept in front of a value",
        "for (p++; p < stop && ff_is_blank(*p); p++)",
        "for (p++; p < stop && *p == ' '; p++)",
    ),
    Mutant(
        "field.c",
        "a tab is kept behind a value",
        "while (n > 0 && ff_is_blank(p[n - 1]))",
        "while (n > 0 && p[n - 1] == ' ')",
    ),
    Mutant(
        "field.c",
        "trimming runs into the name",
        "while (n > 0 && ff_is_blank(p[n - 1]))",
        "while (ff_is_blank(p[n - 1]))",
    ),
    Mutant(
        "field.c",
        "a field line that ends in CR alone",
        "last[1] == '\\n' ? 2 : FF_BARE_CR",
        "2",
    ),
    Mutant("field.c", "folds nobody asked for", "if (options & FF_PERMIT_FOLDING) {", "if (1) {"),
    Mutant("field.c", "a folded Host", "if (!may_fold(f))", "if (f->id == FF_CONNECTION)"),
    Mutant(
        "field.c",
        "a fold of white space",
        "if (*p == '\\r')\n            return",
        "if (0)\n return",
    ),
    Mutant("field.c", "a fold is looked for beyond the bytes", "if (p == end)\n", "if (0)\n"),
    Mutant(
        "field.c", "two spaces for a fold", "while (d > dst && ff_is_blank(d[-1]))", "while (0)"
    ),
    Mutant("field.c", "a fold begins the value", "if (d > dst)\n", "if (1)\n"),
    Mutant("field.c", "underscores are taken", "(options & FF_REFUSE_UNDERSCORE)", "0"),
    Mutant(
        "scan.c",
        "obs-fold of the request line",
        "if (ff_is_blank(*p))\n            return FF_OBS_FOLD;",
        "if (*p == '\\t')\n            return FF_OBS_FOLD;",
    ),
    Mutant("scan.c", "a lenient head is judged again", "h->is_lenient |=", "h->is_lenient &="),
    Mutant("scan.c", "a long line in a short head", "stop = base + limits->head;", ";"),
    Mutant("scan.c", "HTTP/0.9 is served as 1.1", "h->minor = p[5] > '1';", "h->minor = 1;"),
    Mutant(
        "scan.c",
        "LF as the empty line",
        "if (*p == '\\n')\n            return FF_BARE_LF;\n        if (ff_is",
        "if (*p == '\\n')\n            return p + 1 - base;\n        if (ff_is",
    ),
    Mutant(
        "scan.c",
        "one field too many",
        "h->nfields == limits->fields)",
        "h->nfields > limits->fields)",
    ),
    Mutant(
        "scan.c",
        "one field beyond the array",
        "if (h->nfields == h->capacity)",
        "if (h->nfields > h->capacity)",
    ),
    Mutant(
        "scan.c",
        "a field one byte too long",
        "stop = p + limits->field_size;",
        "stop = p + limits->field_size + 1;",
    ),
    Mutant(
        "scan.c",
        "a head one byte too long",
        "head_end = base + limits->head;",
        "head_end = base + limits->head + 1;",
    ),
    Mutant(
        "field.c",
        "Transfer-Encoding is not known",
        'FF_IS(p, n, "transfer-encoding") ?',
        'FF_IS(p, n, "transfer_encoding") ?',
    ),
    Mutant("target.c", "port 65536", "return port <= 65535;", "return port <= 65536;"),
    Mutant("target.c", "ports that wrap", "n > 6)", "n > 16)"),
    Mutant(
        "target.c",
        "anything behind the bracket",
        "return valid_port(close + 1, n - len - 2);",
        "return 1;",
    ),
    Mutant("target.c", "an address longer than the buffer", "len >= sizeof text || ", ""),
    Mutant("target.c", "a NUL ends the host early", "p[i] == '\\0' || strchr", "strchr"),
    Mutant("target.c", "escapes cut off in a host", "if (n - i < 3 ||", "if ("),
    Mutant(
        "target.c",
        "escapes are read past the end",
        "c == '%' && n - i > 2",
        "c == '%' && n - i > 1",
    ),
    Mutant("target.c", "hex digits up to g", "c >= 'a' && c <= 'f'", "c >= 'a' && c <= 'g'"),
    Mutant("target.c", "NUL in the path", "percent[1] == '0' && percent[2] == '0'", "0"),
    Mutant(
        "target.c",
        "NUL behind a first escape",
        "for (; percent; percent = memchr(",
        "for (; percent; percent = 0 && memchr(",
    ),
    Mutant("target.c", "a fragment", "n == 0 || memchr(t, '#', n)", "n == 0"),
    Mutant(
        "target.c",
        "the asterisk for every method",
        '!method_is(base, h, casefold, "OPTIONS", "options")',
        "0",
    ),
    Mutant(
        "target.c",
        "an empty authority",
        "ff_valid_host(t + at, end - at, 0)",
        "ff_valid_host(t + at, end - at, 1)",
    ),
    Mutant("target.c", "userinfo", '"-._~!$&\'()*+,;="', '"-._~!$&\'()*+,;=@"'),
)
