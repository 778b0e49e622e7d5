"""Request targets and what becomes of them (RFC 9112 section 3.2, RFC 3986, PEP 3333).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, head, refuse, table


def path(name: str, target: str, path: str, query: str = "") -> Case:
    """A target that is accepted and gives this PATH_INFO and query."""
    raw = target.encode("latin-1")
    return accept(name, get(target=target), Want(target=raw, path=path, query=query))


def absolute(name: str, target: str, authority: str, path: str, query: str = "") -> Case:
    """A target in absolute-form."""
    want = Want(authority=authority.encode("latin-1"), path=path, query=query)
    return accept(name, get(target=target), want)


def bad(name: str, target: str) -> Case:
    """A target that is refused."""
    return refuse(400, name, get(target=target))


WHY = {
    "origin-form": Why(
        "The path is passed on as it is: what dot segments and empty segments mean is the "
        "application's to say. Marks that belong in no URI are harmless and in use.",
        "RFC 9112 section 3.2.1, RFC 3986",
    ),
    "percent-encoding": Why(
        "Decoded once, to latin-1 text; RAW_URI has what was sent. An escaped NUL ends "
        "strings in too much C code below applications.",
        "PEP 3333, RFC 3986 section 2.1",
    ),
    "bytes of a target": Why(
        "A URI is visible ASCII, and its fragment stays with the client.",
        "RFC 3986 section 2, RFC 9112 section 3.2",
    ),
    "bytes above 0x7F in a target": Why(
        "A URI has them escaped, but clients send them as they are (links typed in another "
        "language, old crawlers), and mean what the escaped form means. In a host they would "
        "name another one to whoever decodes them.",
        "RFC 3986 section 2.1, PEP 3333",
    ),
    "absolute-form": Why(
        "Servers must take it. Its authority replaces Host, so it must be as valid as "
        "Host, and userinfo in it is a trick more often than a name.",
        "RFC 9112 section 3.2.2, RFC 9110 section 4.2.4",
    ),
    "asterisk-form": Why(
        "For OPTIONS alone.",
        "RFC 9112 section 3.2.4",
    ),
}

CASES = [
    *table(
        "origin-form",
        path("path", "/a/b", "/a/b"),
        path("query", "/a?b=c&d", "/a", "b=c&d"),
        path("empty query", "/a?", "/a"),
        path("question mark in the query", "/a?b?c", "/a", "b?c"),
        path("slashes stay", "//a///b/", "//a///b/"),
        path("dot segments stay", "/a/../b/./c/..", "/a/../b/./c/.."),
        path("a URL as path", "/http://b/c", "/http://b/c"),
        path("colon and at-sign", "/a:b@c", "/a:b@c"),
        path("semicolon", "/a;b=c", "/a;b=c"),
        path("marks that belong in no URI", '/"<>\\^`{|}', '/"<>\\^`{|}'),
        path("marks in a query", '/?"<>\\^`{|}', "/", '"<>\\^`{|}'),
        path("plus is no space", "/a+b?c+d", "/a+b", "c+d"),
        path("first and last legal byte", "/!~", "/!~"),
        path("longer than a register", "/" + "0123456789" * 20, "/" + "0123456789" * 20),
        bad("relative path", "a/b"),
        bad("query only", "?a"),
        bad("backslash first", "\\a"),
        bad("dot first", "./a"),
    ),
    *table(
        "percent-encoding",
        path("letter", "/%41%62", "/Ab"),
        path("either case of hexadecimal", "/%e9%E9", "/\xe9\xe9"),
        path("UTF-8 as latin-1", "/caf%C3%A9", "/caf\xc3\xa9"),
        path("slash", "/a%2Fb%2fc", "/a/b/c"),
        path("question mark", "/a%3Fb?c", "/a?b", "c"),
        path("number sign", "/a%23b", "/a#b"),
        path("percent sign, once", "/%2541", "/%41"),
        path("NUL escaped twice", "/%2500", "/%00"),
        path("line end", "/a%0D%0Ab", "/a\r\nb"),
        path("DEL and the end of latin-1", "/%7F%FF", "/\x7f\xff"),
        path("dots and a slash", "/a/%2e%2E%2fb", "/a/../b"),
        path("backslash", "/a%5Cb", "/a\\b"),
        path("overlong UTF-8 stays bytes", "/%c0%af", "/\xc0\xaf"),
        path("not in the query", "/?%41%00", "/", "%41%00"),
        path("broken: nothing behind", "/%", "/%"),
        path("broken: one digit", "/%4", "/%4"),
        path("broken: no digit", "/%zz", "/%zz"),
        path("broken: second digit", "/%4z%41", "/%4zA"),
        path("broken, then good", "/%%41", "/%A"),
        path("broken by the query", "/%4?1", "/%4", "1"),
        path("unicode escape of old browsers", "/%u0041", "/%u0041"),
        bad("NUL", "/%00"),
        bad("NUL later", "/a%41b%00c"),
        bad("NUL behind a broken escape", "/%%00"),
        bad("NUL before a query", "/%00?a"),
    ),
    *table(
        "bytes of a target",
        bad("number sign", "/a#b"),
        bad("number sign in the query", "/?a#b"),
        bad("DEL", "/\x7f"),
        bad("control", "/\x01"),
        bad("ESC", "/\x1b[0m"),
        bad("NUL byte", "/\x00"),
        bad("bare CR", "/a\rb"),
        bad("bare LF", "/a\nb"),
        bad("behind many good ones", "/" + "a" * 100 + "\x7f"),
        bad("control behind 0xFF", "/" + "\xff" * 20 + "\x1f"),
        bad("DEL behind 0xFF", "/" + "\xff" * 20 + "\x7f"),
        bad("NUL behind 0xFF", "/\xff\x00"),
        bad("number sign behind 0xFF", "/\xff#"),
        bad("first byte", "\xe9/"),
    ),
    *table(
        "bytes above 0x7F in a target",
        path("0x80", "/\x80", "/\x80"),
        path("0xFF", "/\xff", "/\xff"),
        path("UTF-8", "/caf\xc3\xa9", "/caf\xc3\xa9"),
        path("in the query", "/?\xe9", "/", "\xe9"),
        path("in path and query", "/\xe9?\xe8=\xff", "/\xe9", "\xe8=\xff"),
        path("behind many others", "/" + "a" * 100 + "\x80", "/" + "a" * 100 + "\x80"),
        path("in front of many others", "/\x80" + "a" * 100, "/\x80" + "a" * 100),
        path("many", "/" + "\xa0" * 100, "/" + "\xa0" * 100),
        path("beside escapes", "/\xc3%A9%25", "/\xc3\xa9%"),
        path("behind a percent sign", "/%\xe9", "/%\xe9"),
        path("no-break space and NEL are no white space", "/\xa0\x85", "/\xa0\x85"),
        absolute("in the path of an absolute form", "http://b/\xe9?\xe8", "b", "/\xe9", "\xe8"),
        bad("in the authority", "http://\xe9/"),
        bad("in the scheme", "htt\xf0://b/"),
        bad("in an asterisk form", "*\xe9"),
        accept(
            "with a body",
            head("POST /\xe9 HTTP/1.1", "Host: a", "Content-Length: 1", body="b"),
            Want(method="POST", path="/\xe9", content_length=1, body=b"b"),
        ),
        accept(
            "the next request is another one",
            get(target="/\xe9") + get(target="/a"),
            Want(path="/\xe9"),
            Want(path="/a"),
        ),
    ),
    *table(
        "absolute-form",
        absolute("path", "http://b/c", "b", "/c"),
        absolute("https", "https://b/c", "b", "/c"),
        absolute("any case of the scheme", "HTTP://b/", "b", "/"),
        absolute("without path", "http://b", "b", "/"),
        absolute("query without path", "http://b?c", "b", "/", "c"),
        absolute("path and query", "http://b/c?d", "b", "/c", "d"),
        absolute("port", "http://b:8080/", "b:8080", "/"),
        absolute("empty port", "http://b:/", "b:", "/"),
        absolute("IPv4 address", "http://192.0.2.1/", "192.0.2.1", "/"),
        absolute("IPv6 address", "http://[2001:db8::1]:80/", "[2001:db8::1]:80", "/"),
        absolute("query alone and empty", "http://b?", "b", "/"),
        absolute("escape in the authority", "http://a%20b/c", "a%20b", "/c"),
        absolute("slashes in the path", "http://b//c", "b", "//c"),
        absolute("a URL as its path", "http://b/http://c/", "b", "/http://c/"),
        accept(
            "OPTIONS without path",
            head("OPTIONS http://b HTTP/1.1", "Host: a"),
            Want(method="OPTIONS", authority=b"b"),
        ),
        absolute("escaped path", "http://b/%41", "b", "/A"),
        bad("NUL in its path", "http://b/%00"),
        bad("userinfo", "http://u:p@b/"),
        bad("empty userinfo", "http://@b/"),
        bad("no authority", "http:///c"),
        bad("nothing behind the slashes", "http://"),
        bad("only a port", "http://:80/"),
        bad("query for authority", "http://?c"),
        bad("port too large", "http://b:65536/"),
        bad("port of letters", "http://b:x/"),
        bad("backslash", "http://b\\c/"),
        bad("unclosed bracket", "http://[::1/"),
        bad("zone in the brackets", "http://[fe80::1%25eth0]/"),
        bad("text behind the bracket", "http://[::1]b/"),
        bad("comma and a second one", "http://b, c/"),
        bad("broken escape in the authority", "http://b%/"),
        bad("no address in the brackets", "http://[x]/"),
        bad("one slash", "http:/b"),
        bad("other scheme", "ftp://b/"),
        bad("ws", "ws://b/"),
        bad("no scheme", "://b/"),
        bad("number sign", "http://b/#c"),
        refuse(400, "does not excuse a missing Host", head("GET http://b/ HTTP/1.1")),
        refuse(400, "does not excuse a bad Host", head("GET http://b/ HTTP/1.1", "Host: b c")),
        accept(
            "on 1.0",
            head("GET http://b/ HTTP/1.0"),
            Want(authority=b"b", version=(1, 0), keep_alive=False),
        ),
    ),
    *table(
        "asterisk-form",
        accept(
            "OPTIONS",
            head("OPTIONS * HTTP/1.1", "Host: a"),
            Want(method="OPTIONS", target=b"*", path="*"),
        ),
        bad("GET", "*"),
        refuse(400, "OPTIONS with more", head("OPTIONS ** HTTP/1.1", "Host: a")),
        refuse(400, "OPTIONS with a query", head("OPTIONS *?a HTTP/1.1", "Host: a")),
        refuse(400, "OPTIONS in authority-form", head("OPTIONS a:80 HTTP/1.1", "Host: a")),
        bad("authority-form for GET", "a:80"),
    ),
]
