"""Bugs to plant in framing and the chunked decoder; see mutants.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutant import Mutant

BODY = (
    Mutant(
        "framing.c",
        "something behind chunked",
        "if (f->te_chunked)\n            f->te_bad = 1;",
        "if (0)\n            f->te_bad = 1;",
    ),
    Mutant(
        "framing.c",
        "unknown codings",
        "else\n            f->te_bad = 1;",
        "else\n            f->te_other = 0;",
    ),
    Mutant(
        "framing.c", "Transfer-Encoding without chunked", "f->te_bad || !f->te_chunked", "f->te_bad"
    ),
    Mutant(
        "framing.c",
        "Transfer-Encoding beside Content-Length",
        "if (f->lengths)\n            return FF_TE_AND_LENGTH;",
        "",
    ),
    Mutant(
        "framing.c",
        "Transfer-Encoding on 1.0",
        "if (h->minor == 0)\n            return FF_TE_ON_HTTP_1_0;",
        "",
    ),
    Mutant(
        "framing.c",
        "gzip is taken for plain",
        "if (f->te_other)\n            return FF_TE_NOT_SUPPORTED;",
        "",
    ),
    Mutant(
        "framing.c",
        "an empty length",
        "len == 0 || len > FF_MAX_LENGTH_CHARS",
        "len > FF_MAX_LENGTH_CHARS",
    ),
    Mutant("framing.c", "the byte behind 9", "v[i] > '9' || digits", "v[i] > ':' || digits"),
    Mutant("framing.c", "lengths that wrap", "|| digits > FF_MAX_LENGTH_DIGITS", "|| digits > 40"),
    Mutant("framing.c", "a second length", "f->lengths > 1 || f->bad_length", "f->bad_length"),
    Mutant(
        "framing.c",
        "32-bit lengths",
        "value = value * 10 + (v[i] - '0');",
        "value = (int)(value * 10 + (v[i] - '0'));",
    ),
    Mutant(
        "framing.c",
        "close only as the first option",
        'if (FF_IS(m, n, "close"))',
        'if (m == v && FF_IS(m, n, "close"))',
    ),
    Mutant(
        "framing.c",
        "options keep their tabs",
        "(**member == ' ' || **member == '\\t')",
        "**member == ' '",
    ),
    Mutant("framing.c", "two Hosts", "if (f.hosts > 1)", "if (f.hosts > 2)"),
    Mutant("framing.c", "no Host", "if (f.hosts == 0 && h->minor > 0)", "if (0)"),
    Mutant("framing.c", "any Host", "if (f.bad_host)", "if (0)"),
    Mutant("framing.c", "two Content-Types", "f.content_types > 1", "f.content_types > 2"),
    Mutant(
        "framing.c", "a body one byte too large", "f.length > max_body", "f.length > max_body + 1"
    ),
    Mutant("framing.c", "any expectation", "if (h->minor > 0 && f.bad_expect)", "if (0)"),
    Mutant("framing.c", "1.0 stays open", "(h->minor > 0 || f.keep)", "1"),
    Mutant("framing.c", "100 Continue to 1.0", "h->minor > 0 && f.expects &&", "f.expects &&"),
    Mutant("framing.c", "100 Continue without a body", "(out->chunked || f.length > 0)", "1"),
    Mutant("chunked.c", "17 hexadecimal digits", "c->significant > 16", "c->significant > 17"),
    Mutant("chunked.c", "zeros without end", "|| c->digits > FF_MAX_SIZE_DIGITS", ""),
    Mutant("chunked.c", "a chunk without a size", "if (c->digits == 0 || (b !=", "if ((b !="),
    Mutant("chunked.c", "sizes beyond 63 bits", "c->left > INT64_MAX || ", ""),
    Mutant(
        "chunked.c",
        "a space behind the size",
        "case EXT_START:\n    case EXT_NAME_END:\n        if (b == ';')",
        "case EXT_START:\n    case EXT_NAME_END:\n        if (b == '\\r')\n"
        "            c->state = SIZE_LF;\n        else if (b == ';')",
    ),
    Mutant(
        "chunked.c",
        "white space behind the size is not counted",
        "c->ext_line = ff_is_blank((char)b);",
        "c->ext_line = 0;",
    ),
    Mutant(
        "chunked.c",
        "white space at the end of an extension",
        "case EXT_QUOTED_END:\n        c->state = EXT_START;",
        "case EXT_QUOTED_END:\n        c->state = EXT_VALUE;",
    ),
    Mutant(
        "chunked.c",
        "a body one byte too large",
        "c->total > c->max_body)",
        "c->total > c->max_body + 1)",
    ),
    Mutant(
        "chunked.c", "each chunk has its own limit", "c->total += c->left;", "c->total = c->left;"
    ),
    Mutant(
        "chunked.c",
        "no check of CR behind data",
        "return b == '\\r' ? 0 : FF_BAD_CHUNK_END;",
        "return 0;",
    ),
    Mutant(
        "chunked.c",
        "no check of LF behind data",
        "c->state = SIZE;\n        return b == '\\n' ? 0 : FF_BAD_CHUNK_END;",
        "c->state = SIZE;\n        return 0;",
    ),
    Mutant(
        "chunked.c",
        "no check of LF behind the size",
        "DATA : TRAILER_START;\n        return b == '\\n' ? 0 : FF_BARE_CR;",
        "DATA : TRAILER_START;\n        return 0;",
    ),
    Mutant(
        "chunked.c",
        "no empty line at the end",
        "if (b == '\\r') {\n            c->state = END_LF;",
        "if (b == '\\r' || b == 'G') {\n            c->state = b == 'G' ? ENDED : END_LF;",
    ),
    Mutant(
        "chunked.c",
        "257 bytes of extensions",
        "c->ext_line > FF_MAX_CHUNK_EXT_LINE",
        "c->ext_line > FF_MAX_CHUNK_EXT_LINE + 1",
    ),
    Mutant(
        "chunked.c",
        "extensions without end in a body",
        "|| c->ext_body > FF_MAX_CHUNK_EXT_BODY",
        "",
    ),
    Mutant("chunked.c", "line ends in quotes", "b != '\\t' && (b < 0x20 || b == 0x7f)", "0"),
    Mutant(
        "chunked.c",
        "quoted pairs end the quotes",
        "c->state = EXT_QUOTED_PAIR;",
        "c->state = EXT_QUOTED;",
    ),
    Mutant(
        "chunked.c",
        "framing fields in the trailer",
        "return is_forbidden(c) ? FF_BAD_TRAILER : 0;",
        "return 0;",
    ),
    Mutant("chunked.c", "forbidden trailers in capitals", "(char)ff_lower(b);", "(char)b;"),
    Mutant(
        "chunked.c",
        "one trailer field too many",
        "c->trailer_fields == c->limits.fields)",
        "c->trailer_fields > c->limits.fields)",
    ),
    Mutant(
        "chunked.c",
        "a trailer one byte too long",
        "c->trailer_bytes > c->limits.head)",
        "c->trailer_bytes > c->limits.head + 1)",
    ),
    Mutant(
        "chunked.c",
        "a bare LF in the trailer",
        "else if (b == '\\n')\n            return FF_BARE_LF;",
        "else if (b == '\\n')\n            c->state = TRAILER_START;",
    ),
    Mutant("chunked.c", "data beyond the chunk", "if (n > c->left)", "if (n > c->left + 1)"),
)
