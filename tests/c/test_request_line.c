/* test_request_line.c -- empty lines, method, target and version (RFC 9112 sections 2.2,
 * 2.3 and 3). */
#include "heads.h"

#define HOST                "\r\nHost: a\r\n\r\n"
#define LINE(target)        "GET " target " HTTP/1.1" HOST
#define SHOWN(target, rest) "GET " target " " rest " 1.1 {Host/host=a}"

static const head_case LINES[] = {
    ACCEPTED("a plain request line", LINE("/"), SHOWN("/", "path=/")),
    ACCEPTED("HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", "GET / path=/ 1.0 "),
    ACCEPTED("one empty line before it", "\r\n" LINE("/"), SHOWN("/", "path=/ start=2")),
    ACCEPTED("four empty lines before it", "\r\n\r\n\r\n\r\n" LINE("/"),
             SHOWN("/", "path=/ start=8")),
    REFUSED("a fifth empty line", "\r\n\r\n\r\n\r\n\r\n" LINE("/"), FF_BAD_BLANK_LINES),
    REFUSED("an empty line that is a bare LF", "\n" LINE("/"), FF_BARE_LF),
    REFUSED("a bare LF after a good empty line", "\r\n\n" LINE("/"), FF_BARE_LF),
    REFUSED("an empty line that is a bare CR", "\r" LINE("/"), FF_BARE_CR),
    REFUSED("nothing at all", "", FF_NEED_DATA),
    REFUSED("only empty lines", "\r\n\r\n", FF_NEED_DATA),
    REFUSED("a line end that is a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", FF_BARE_LF),
    REFUSED("a line end that is a bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", FF_BARE_CR),
    REFUSED("a line end CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", FF_BARE_CR),
    REFUSED("a space in front", " GET / HTTP/1.1" HOST, FF_BAD_METHOD),
    REFUSED("a tab in front", "\tGET / HTTP/1.1" HOST, FF_BAD_METHOD),
    REFUSED("two spaces after the method", "GET  / HTTP/1.1" HOST, FF_BAD_TARGET),
    REFUSED("two spaces before the version", "GET /  HTTP/1.1" HOST, FF_BAD_VERSION),
    REFUSED("a tab after the method", "GET\t/ HTTP/1.1" HOST, FF_BAD_METHOD),
    REFUSED("a tab before the version", "GET /\tHTTP/1.1" HOST, FF_BAD_TARGET),
    REFUSED("a space at the end", "GET / HTTP/1.1 " HOST, FF_BAD_VERSION),
    REFUSED("a fourth word", "GET / HTTP/1.1 x" HOST, FF_BAD_VERSION),
    REFUSED("a space in the target", "GET /a b HTTP/1.1" HOST, FF_BAD_VERSION),
    REFUSED("HTTP/0.9", "GET /\r\n", FF_BAD_VERSION),
    REFUSED("HTTP/0.9 with LF", "GET /\n", FF_BAD_VERSION),
    REFUSED("a method alone", "GET\r\n", FF_BAD_METHOD),
    REFUSED("no target", "GET HTTP/1.1" HOST, FF_BAD_VERSION),
    REFUSED("an empty target", "GET  HTTP/1.1" HOST, FF_BAD_TARGET),
    REFUSED("a TLS hello", "\x16\x03\x01\x02", FF_BAD_METHOD),
    REFUSED("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", FF_BAD_TARGET),
    REFUSED("an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n", FF_BAD_METHOD),
    REFUSED("SMTP", "EHLO example.org\r\n", FF_BAD_VERSION),
    REFUSED("Redis", "*1\r\n$4\r\nPING\r\n", FF_BAD_METHOD),
    REFUSED("RDP", "\x03\0\0\x13\x0e\xe0", FF_BAD_METHOD),
    REFUSED("a PROXY line", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", FF_BAD_TARGET),
    REFUSED("a response", "HTTP/1.1 200 OK\r\n\r\n", FF_BAD_METHOD),
};

static const head_case METHODS[] = {
    ACCEPTED("POST", "POST / HTTP/1.0\r\n\r\n", "POST / path=/ 1.0 "),
    ACCEPTED("an unknown method", "FROB / HTTP/1.0\r\n\r\n", "FROB / path=/ 1.0 "),
    ACCEPTED("marks of a token", "M-!$%&'*+.^_`|~9 / HTTP/1.0\r\n\r\n",
             "M-!$%&'*+.^_`|~9 / path=/ 1.0 "),
    ACCEPTED("20 bytes", "ABCDEFGHIJKLMNOPQRST / HTTP/1.0\r\n\r\n",
             "ABCDEFGHIJKLMNOPQRST / path=/ 1.0 "),
    REFUSED("21 bytes", "ABCDEFGHIJKLMNOPQRSTU / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    ACCEPTED("3 bytes", "PUT / HTTP/1.0\r\n\r\n", "PUT / path=/ 1.0 "),
    REFUSED("2 bytes", "GO / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("empty", " / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("lower case", "get / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("one lower case letter at the end", "GEt / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("the letter z", "GEz / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("a number sign", "GE# / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("a separator", "GET( / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("a NUL", "GE\0T / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("an obs-text byte", "GE\xc3\x89 / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
    REFUSED("a byte order mark", "\xef\xbb\xbfGET / HTTP/1.0\r\n\r\n", FF_BAD_METHOD),
};

static const head_case VERSIONS[] = {
    ACCEPTED("1.2 is reported as such", "GET / HTTP/1.2\r\n\r\n", "GET / path=/ 1.2 "),
    ACCEPTED("1.9 is reported as such", "GET / HTTP/1.9\r\n\r\n", "GET / path=/ 1.9 "),
    REFUSED("2.0", "GET / HTTP/2.0\r\n\r\n", FF_VERSION_NOT_SUPPORTED),
    REFUSED("3.0", "GET / HTTP/3.0\r\n\r\n", FF_VERSION_NOT_SUPPORTED),
    REFUSED("0.9 in full form", "GET / HTTP/0.9\r\n\r\n", FF_VERSION_NOT_SUPPORTED),
    REFUSED("9.9", "GET / HTTP/9.9\r\n\r\n", FF_VERSION_NOT_SUPPORTED),
    REFUSED("lower case", "GET / http/1.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("another protocol", "GET / HTTQ/1.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("no minor number", "GET / HTTP/1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("an empty minor number", "GET / HTTP/1.\r\n\r\n", FF_BAD_VERSION),
    REFUSED("two minor digits", "GET / HTTP/1.10\r\n\r\n", FF_BAD_VERSION),
    REFUSED("two major digits", "GET / HTTP/11.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a leading zero", "GET / HTTP/01.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a comma", "GET / HTTP/1,1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a letter", "GET / HTTP/1.x\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a byte below the digits", "GET / HTTP/1./\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a byte above the digits", "GET / HTTP/1.:\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a letter as major number", "GET / HTTP/x.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a plus sign", "GET / HTTP/+1.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a space inside", "GET / HTTP/ 1.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a space before the dot", "GET / HTTP/1 .1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("no slash", "GET / HTTP1.1\r\n\r\n", FF_BAD_VERSION),
    REFUSED("a NUL at the end", "GET / HTTP/1.1\0\r\n\r\n", FF_BAD_VERSION),
    REFUSED("an Arabic digit", "GET / HTTP/1.\xd9\xa1\r\n\r\n", FF_BAD_VERSION),
};

static const head_case TARGETS[] = {
    ACCEPTED("a path", LINE("/a/b"), SHOWN("/a/b", "path=/a/b")),
    ACCEPTED("a query", LINE("/a?b=c"), SHOWN("/a?b=c", "path=/a query=b=c")),
    ACCEPTED("an empty query", LINE("/a?"), SHOWN("/a?", "path=/a")),
    ACCEPTED("a question mark in the query", LINE("/?a?b"), SHOWN("/?a?b", "path=/ query=a?b")),
    ACCEPTED("an escape in the path", LINE("/%41"), SHOWN("/%41", "path=/%41 percent")),
    ACCEPTED("an escape in the query", LINE("/?%41"), SHOWN("/?%41", "path=/ query=%41")),
    ACCEPTED("a broken escape", LINE("/%4"), SHOWN("/%4", "path=/%4 percent")),
    ACCEPTED("a percent sign alone", LINE("/%"), SHOWN("/%", "path=/% percent")),
    ACCEPTED("half of a NUL at the end", LINE("/%0"), SHOWN("/%0", "path=/%0 percent")),
    ACCEPTED("half of a NUL before the query", LINE("/%0?0"),
             SHOWN("/%0?0", "path=/%0 query=0 percent")),
    ACCEPTED("an escaped escape of NUL", LINE("/%2500"), SHOWN("/%2500", "path=/%2500 percent")),
    ACCEPTED("NUL in the query is the application's", LINE("/?%00"),
             SHOWN("/?%00", "path=/ query=%00")),
    REFUSED("NUL in the path", LINE("/%00"), FF_NUL_IN_PATH),
    REFUSED("NUL behind another escape", LINE("/%41%00"), FF_NUL_IN_PATH),
    REFUSED("NUL behind a broken escape", LINE("/%%00"), FF_NUL_IN_PATH),
    REFUSED("NUL before the query", LINE("/%00?a"), FF_NUL_IN_PATH),
    REFUSED("NUL in an absolute path", LINE("http://b/%00"), FF_NUL_IN_PATH),
    ACCEPTED("two slashes stay", LINE("//a//b"), SHOWN("//a//b", "path=//a//b")),
    ACCEPTED("dot segments stay", LINE("/../a/./b"), SHOWN("/../a/./b", "path=/../a/./b")),
    ACCEPTED("marks that a URI has no use for", LINE("/\"<>\\^`{|}"),
             SHOWN("/\"<>\\^`{|}", "path=/\"<>\\^`{|}")),
    ACCEPTED("a tilde, the last legal byte", LINE("/~"), SHOWN("/~", "path=/~")),
    REFUSED("a fragment", LINE("/a#b"), FF_BAD_TARGET),
    REFUSED("a number sign in the query", LINE("/a?b#"), FF_BAD_TARGET),
    REFUSED("a DEL", LINE("/\x7f"), FF_BAD_TARGET),
    REFUSED("a NUL byte", LINE("/\0"), FF_BAD_TARGET),
    REFUSED("a control byte", LINE("/\x1f"), FF_BAD_TARGET),
    ACCEPTED("the byte 0x80", LINE("/\x80"), SHOWN("/\x80", "path=/\x80 obs")),
    ACCEPTED("UTF-8", LINE("/caf\xc3\xa9"), SHOWN("/caf\xc3\xa9", "path=/caf\xc3\xa9 obs")),
    ACCEPTED("the byte 0xFF in a long target", LINE("/0123456789abcdef0123456789\xff"),
             SHOWN("/0123456789abcdef0123456789\xff", "path=/0123456789abcdef0123456789\xff obs")),
    ACCEPTED("0x80 in front of 16 others", LINE("/\x80?0123456789abcdef"),
             SHOWN("/\x80?0123456789abcdef", "path=/\x80 query=0123456789abcdef obs")),
    ACCEPTED("0x80 only in a field behind it", "GET / HTTP/1.0\r\nA: \x80\r\n\r\n",
             "GET / path=/ 1.0 {A/obs=\x80}"),
    REFUSED("a DEL behind 0xFF", LINE("/\xff\x7f"), FF_BAD_TARGET),
    REFUSED("a control byte behind 0xFF", LINE("/\xff\x1f"), FF_BAD_TARGET),
    REFUSED("0x80 in an authority", LINE("http://\x80/"), FF_BAD_TARGET),
    REFUSED("0x80 as the first byte", LINE("\x80"), FF_BAD_TARGET),
    REFUSED("a bare CR in the target", LINE("/a\rb"), FF_BAD_VERSION),
    REFUSED("a bare LF in the target", LINE("/a\nb"), FF_BAD_VERSION),
    REFUSED("a relative path", LINE("a/b"), FF_BAD_TARGET),
    REFUSED("a query alone", LINE("?a"), FF_BAD_TARGET),
    ACCEPTED("an asterisk for OPTIONS", "OPTIONS * HTTP/1.0\r\n\r\n",
             "OPTIONS * path=* asterisk 1.0 "),
    REFUSED("an asterisk for GET", LINE("*"), FF_BAD_TARGET),
    REFUSED("an asterisk for a method as long as OPTIONS", "OPTIONZ * HTTP/1.0\r\n\r\n",
            FF_BAD_TARGET),
    REFUSED("an asterisk with a query", "OPTIONS *?a HTTP/1.0\r\n\r\n", FF_BAD_TARGET),
    REFUSED("two asterisks", "OPTIONS ** HTTP/1.0\r\n\r\n", FF_BAD_TARGET),
    ACCEPTED("OPTIONS of a path", "OPTIONS /a HTTP/1.0\r\n\r\n", "OPTIONS /a path=/a 1.0 "),
    REFUSED("CONNECT", "CONNECT a.b:443 HTTP/1.1" HOST, FF_CONNECT_NOT_SUPPORTED),
    REFUSED("CONNECT to a path", "CONNECT /a HTTP/1.1" HOST, FF_BAD_TARGET),
    REFUSED("CONNECT to a URI", "CONNECT http://a/ HTTP/1.1" HOST, FF_BAD_TARGET),
    REFUSED("authority-form for GET", LINE("a.b:443"), FF_BAD_TARGET),
    REFUSED("authority-form for a method as long as CONNECT", "CONNECX a:1 HTTP/1.1" HOST,
            FF_BAD_TARGET),
};

static const head_case ABSOLUTE[] = {
    ACCEPTED("with a path", LINE("http://b/c"), SHOWN("http://b/c", "path=/c authority=b")),
    ACCEPTED("https", LINE("https://b/c"), SHOWN("https://b/c", "path=/c authority=b")),
    ACCEPTED("any case of the scheme", LINE("hTTp://b/"), SHOWN("hTTp://b/", "path=/ authority=b")),
    ACCEPTED("without a path", LINE("http://b"), SHOWN("http://b", "path= authority=b")),
    ACCEPTED("a query without a path", LINE("http://b?c"),
             SHOWN("http://b?c", "path= query=c authority=b")),
    ACCEPTED("with a port", LINE("http://b:80/?c"),
             SHOWN("http://b:80/?c", "path=/ query=c authority=b:80")),
    ACCEPTED("an IPv6 address", LINE("http://[::1]:80/"),
             SHOWN("http://[::1]:80/", "path=/ authority=[::1]:80")),
    ACCEPTED("an escape behind the authority", LINE("http://b/%41"),
             SHOWN("http://b/%41", "path=/%41 authority=b percent")),
    REFUSED("userinfo", LINE("http://u:p@b/"), FF_BAD_TARGET),
    REFUSED("empty userinfo", LINE("http://@b/"), FF_BAD_TARGET),
    REFUSED("no authority", LINE("http:///c"), FF_BAD_TARGET),
    REFUSED("nothing behind the slashes", LINE("http://"), FF_BAD_TARGET),
    REFUSED("https and nothing behind it", LINE("https://"), FF_BAD_TARGET),
    REFUSED("only a port", LINE("http://:80/"), FF_BAD_TARGET),
    REFUSED("a query in place of the authority", LINE("http://?c"), FF_BAD_TARGET),
    REFUSED("a bad port", LINE("http://b:x/"), FF_BAD_TARGET),
    REFUSED("a backslash in the authority", LINE("http://b\\c/"), FF_BAD_TARGET),
    REFUSED("an unclosed bracket", LINE("http://[::1/"), FF_BAD_TARGET),
    REFUSED("another scheme", LINE("ftp://b/"), FF_BAD_TARGET),
    REFUSED("one slash", LINE("http:/b/"), FF_BAD_TARGET),
    REFUSED("a number sign", LINE("http://b/#c"), FF_BAD_TARGET),
};

/* A request line that is bad is refused without waiting for what would come behind it.
 * at: bytes after which the verdict is known. */
static const struct {
    const char *name;
    const char *bytes;
    size_t at;
} EARLY[] = {
    {"a bad first byte", "\x16\x03\x01", 1},
    {"a lower case method, at its space", "get / HTTP/1.1", 4},
    {"a bad target byte", "GET /\x7f/ HTTP/1.1", 6},
    {"a bad target form, at its space", "GET a HTTP/1.1", 6},
    {"the first wrong byte of the version", "GET / HTTQ/1.1", 10},
    {"a bad version, before the line ends", "GET / HTTP/1.10\r\n", 15},
    {"the wrong version, at the line's end", "GET / HTTP/2.0\r\nHost", 16},
    {"a space before a colon", "GET / HTTP/1.1\r\nHost : a", 21},
    {"a folded line, at its first byte", "GET / HTTP/1.1\r\nA: b\r\n c", 23},
    {"a control byte in a value", "GET / HTTP/1.1\r\nA: \x01zzz", 20},
};

static void
test_early_refusals(void)
{
    for (size_t i = 0; i < sizeof EARLY / sizeof *EARLY; i++) {
        ff_field fields[MAX_FIELDS];
        ff_head h = {.fields = fields, .capacity = MAX_FIELDS};
        size_t at = EARLY[i].at;
        ptrdiff_t before, rc;

        before = ff_scan_head(before_guard(EARLY[i].bytes, at - 1), at - 1, &DEFAULT_LIMITS, &h);
        rc = ff_scan_head(before_guard(EARLY[i].bytes, at), at, &DEFAULT_LIMITS, &h);
        check(before == FF_NEED_DATA && rc < FF_NEED_FIELDS, "early refusals", EARLY[i].name,
              "%s, then %s", verdict(before), verdict(rc));
    }
}

void
test_request_line(void)
{
    run_head_cases("request line", LINES, sizeof LINES / sizeof *LINES);
    run_head_cases("method", METHODS, sizeof METHODS / sizeof *METHODS);
    run_head_cases("version", VERSIONS, sizeof VERSIONS / sizeof *VERSIONS);
    run_head_cases("target", TARGETS, sizeof TARGETS / sizeof *TARGETS);
    run_head_cases("absolute-form", ABSOLUTE, sizeof ABSOLUTE / sizeof *ABSOLUTE);
    test_early_refusals();
}
