/* test_fields.c -- field lines (RFC 9112 section 5, RFC 9110 section 5.5). */
#include <stdio.h>
#include <string.h>

#include "heads.h"

#define WITH(lines)   "GET / HTTP/1.1\r\n" lines "\r\n"
#define SHOWN(fields) "GET / path=/ 1.1 " fields

static const head_case LINES[] = {
    ACCEPTED("no field at all", WITH(""), SHOWN("")),
    ACCEPTED("one field", WITH("A: b\r\n"), SHOWN("{A=b}")),
    ACCEPTED("two fields", WITH("A: b\r\nC: d\r\n"), SHOWN("{A=b}{C=d}")),
    ACCEPTED("no white space", WITH("A:b\r\n"), SHOWN("{A=b}")),
    ACCEPTED("white space around a value", WITH("A: \t b\t \r\n"), SHOWN("{A=b}")),
    ACCEPTED("white space inside a value", WITH("A: b \t c\r\n"), SHOWN("{A=b \t c}")),
    ACCEPTED("an empty value", WITH("A:\r\n"), SHOWN("{A=}")),
    ACCEPTED("a value of white space only", WITH("A: \t \r\n"), SHOWN("{A=}")),
    ACCEPTED("a colon in a value", WITH("A: b:c\r\n"), SHOWN("{A=b:c}")),
    ACCEPTED("every mark of a token", WITH("!#$%&'*+-.^`|~09azAZ: b\r\n"),
             SHOWN("{!#$%&'*+-.^`|~09azAZ=b}")),
    ACCEPTED("an underscore in the name is reported", WITH("A_B: c\r\n"),
             SHOWN("{A_B/underscore=c}")),
    ACCEPTED("obs-text is reported", WITH("A: \x80\xff\r\n"), SHOWN("{A/obs=\x80\xff}")),
    ACCEPTED("obs-text is reported once", WITH("A: \xe9\r\nB: c\r\n"), SHOWN("{A/obs=\xe9}{B=c}")),
    ACCEPTED("obs-text in the first 16 of 40 bytes",
             WITH("A: 01234567\xe9 9abcdef0123456789abcdef0123456\r\n"),
             SHOWN("{A/obs=01234567\xe9 9abcdef0123456789abcdef0123456}")),
    ACCEPTED("obs-text shortly before the end", WITH("A: 0123456789abcdef01234\xe9 56\r\n"),
             SHOWN("{A/obs=0123456789abcdef01234\xe9 56}")),
    ACCEPTED("obs-text only behind the value", WITH("A: 0123456789abc\r\nB: \xe9\r\n"),
             SHOWN("{A=0123456789abc}{B/obs=\xe9}")),
    ACCEPTED("no-break space is no white space", WITH("A: \xa0 b\r\n"), SHOWN("{A/obs=\xa0 b}")),
    ACCEPTED("NEL is no line end", WITH("A: b\x85 c\r\n"), SHOWN("{A/obs=b\x85 c}")),
    REFUSED("no colon", WITH("A\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("an empty name", WITH(": b\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a space before the colon", WITH("A : b\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a tab before the colon", WITH("A\t: b\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a space in the name", WITH("A B: c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a separator in the name", WITH("A(B): c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a slash in the name", WITH("A/B: c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a NUL in the name", WITH("A\0B: c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("obs-text in the name", WITH("\xc3\x84: c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a quote as name", WITH("\": c\r\n"), FF_BAD_FIELD_NAME),
    REFUSED("a fold with a space", WITH("A: b\r\n c\r\n"), FF_OBS_FOLD),
    REFUSED("a fold with a tab", WITH("A: b\r\n\tc\r\n"), FF_OBS_FOLD),
    REFUSED("white space before the first field", WITH(" A: b\r\n"), FF_OBS_FOLD),
    REFUSED("a line of one space", WITH("A: b\r\n \r\n"), FF_OBS_FOLD),
    REFUSED("a line end that is a bare LF", WITH("A: b\nC: d\r\n"), FF_BARE_LF),
    REFUSED("a line end that is a bare CR", WITH("A: b\rC: d\r\n"), FF_BARE_CR),
    REFUSED("a line end CR CR LF", WITH("A: b\r\r\n"), FF_BARE_CR),
    REFUSED("a bare LF as the empty line", "GET / HTTP/1.1\r\nA: b\r\n\n", FF_BARE_LF),
    REFUSED("a bare CR as the empty line", "GET / HTTP/1.1\r\nA: b\r\n\rX", FF_BARE_CR),
    REFUSED("a NUL in the value", WITH("A: b\0c\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("a vertical tab in the value", WITH("A: b\vc\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("a form feed at the end", WITH("A: b\f\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("a vertical tab before the value", WITH("A:\vb\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("an escape in the value", WITH("A: \x1b[0m\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("a DEL in the value", WITH("A: b\x7f\r\n"), FF_BAD_FIELD_VALUE),
    REFUSED("a control byte in the 17th place", WITH("A: 0123456789abcdef\x01\r\n"),
            FF_BAD_FIELD_VALUE),
    REFUSED("an unfinished head", "GET / HTTP/1.1\r\nA: b\r\n", FF_NEED_DATA),
    REFUSED("an unfinished name", "GET / HTTP/1.1\r\nA", FF_NEED_DATA),
    REFUSED("an unfinished value", "GET / HTTP/1.1\r\nA: b", FF_NEED_DATA),
    REFUSED("half a line end", "GET / HTTP/1.1\r\nA: b\r", FF_NEED_DATA),
    REFUSED("half of the empty line", "GET / HTTP/1.1\r\nA: b\r\n\r", FF_NEED_DATA),
};

static const head_case NAMES[] = {
    ACCEPTED("the names that decide, in any case",
             WITH("hOsT: 1\r\nContent-LENGTH: 2\r\ncontent-type: 3\r\nTRANSFER-encoding: 4\r\n"
                  "Connection: 5\r\nEXPECT: 6\r\ncookie: 7\r\nUpgrade: 8\r\nPROXY: 9\r\n"),
             SHOWN("{hOsT/host=1}{Content-LENGTH/length=2}{content-type/type=3}"
                   "{TRANSFER-encoding/coding=4}{Connection/connection=5}{EXPECT/expect=6}"
                   "{cookie/cookie=7}{Upgrade/upgrade=8}{PROXY/proxy=9}")),
    ACCEPTED("names of the same lengths that do not",
             WITH("hose: 1\r\nContent-Lengthy: 2\r\nContent_Length: 3\r\ncontent-typo: 4\r\n"
                  "transfer-encodinG-: 5\r\nConnectioN1: 6\r\nExpecs: 7\r\ncookia: 8\r\n"
                  "Upgrads: 9\r\nProxx: 10\r\nproxies: 11\r\nTransferrEncoding: 12\r\n"
                  "Konnection: 13\r\n"),
             SHOWN("{hose=1}{Content-Lengthy=2}{Content_Length/underscore=3}{content-typo=4}"
                   "{transfer-encodinG-=5}{ConnectioN1=6}{Expecs=7}{cookia=8}"
                   "{Upgrads=9}{Proxx=10}{proxies=11}{TransferrEncoding=12}"
                   "{Konnection=13}")),
};

/* Each byte value at each of these places is refused or not, whatever the width of the
 * registers that look for it. */
static void
test_every_byte(void)
{
    static const char PREFIX[] = "GET / HTTP/1.1\r\nA: ";
    char text[128], name[48];

    for (size_t at = 0; at < 40; at++) {
        for (int byte = 0; byte < 256; byte++) {
            size_t n = sizeof PREFIX - 1;
            int want = (byte < 0x20 && byte != '\t') || byte == 0x7f ? FF_BAD_FIELD_VALUE : 0;
            ff_field fields[2];
            ff_head h = {.fields = fields, .capacity = 2};
            ptrdiff_t rc;

            memcpy(text, PREFIX, n);
            memset(text + n, 'v', 40);
            text[n + at] = (char)byte;
            memcpy(text + n + 40, "\r\n\r\n", 4);
            n += 44;
            if (byte == '\n')
                want = FF_BARE_LF;
            else if (byte == '\r')
                want = FF_BARE_CR;
            rc = ff_scan_head(before_guard(text, n), n, &DEFAULT_LIMITS, &h);
            snprintf(name, sizeof name, "byte 0x%02x at %zu", (unsigned)byte, at);
            check(rc == (want ? want : (ptrdiff_t)n), "value bytes", name, "%s", verdict(rc));
            if (!want)
                check(h.fields[0].has_obs_text == (byte >= 0x80), "obs-text", name, "not seen");
        }
    }
}

void
test_fields(void)
{
    run_head_cases("field lines", LINES, sizeof LINES / sizeof *LINES);
    run_head_cases("field names", NAMES, sizeof NAMES / sizeof *NAMES);
    test_every_byte();
}
