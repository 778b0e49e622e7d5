"""Empty lines, method, version, and the shape of the line (RFC 9112 sections 2.2, 2.3, 3).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Want, Why, accept, get, head, post, refuse, starve, table

OLD = Want(version=(1, 0), keep_alive=False)


def line(text: str) -> bytes:
    """A request that is fine but for its first line."""
    return head(text, "Host: a")


def method(name: str) -> bytes:
    """A request with this method."""
    return head(f"{name} / HTTP/1.1", "Host: a")


WHY = {
    "empty lines before a request": Why(
        "Some clients send a line end behind a body. Four are forgiven, so that nobody "
        "can keep a connection busy with them.",
        "RFC 9112 section 2.2",
    ),
    "request line": Why(
        "One space between three words and CRLF behind them. Who forgives more (a tab, "
        "two spaces, a bare LF) reads other requests than the proxy in front, and that is "
        "how requests are smuggled.",
        "RFC 9112 sections 2.2 and 3",
        ("limit_request_line",),
    ),
    "method": Why(
        "A token, case-sensitive. Methods that no table has reach the application. "
        "CONNECT is for proxies.",
        "RFC 9110 sections 9.1 and 9.3.6",
        (
            "permit_unconventional_http_method",
            "casefold_http_method",
        ),
    ),
    "version": Why(
        "1.2 to 1.9 promise to be understood as 1.1; other versions have other messages.",
        "RFC 9112 section 2.3, RFC 9110 section 2.5",
        ("permit_unconventional_http_version",),
    ),
    "something else than HTTP/1": Why(
        "Refused at its first line, without waiting for more: these peers do not end a "
        "head as HTTP does.",
        "RFC 9112 section 2.2",
    ),
}

CASES = [
    *table(
        "empty lines before a request",
        accept("none", get()),
        accept("one", b"\r\n" + get()),
        accept("four", b"\r\n" * 4 + get()),
        refuse(400, "five", b"\r\n" * 5 + get()),
        refuse(400, "a thousand", b"\r\n" * 1000 + get()),
        accept(
            "behind a body, as old clients send it",
            post("Content-Length: 1", body="x\r\n") + get(),
            Want(method="POST", content_length=1, body=b"x"),
            Want(),
        ),
        accept(
            "behind chunks",
            post("Transfer-Encoding: chunked", body="0\r\n\r\n\r\n") + get(),
            Want(method="POST", chunked=True),
            Want(),
        ),
        accept("four before the second request", get() + b"\r\n" * 4 + get(), Want(), Want()),
        refuse(400, "five before the second request", get() + b"\r\n" * 5 + get(), Want()),
        refuse(400, "a bare LF", b"\n" + get()),
        refuse(400, "a bare CR", b"\r" + get()),
        refuse(400, "CR CR LF", b"\r\r\n" + get()),
        refuse(400, "a line of one space", b" \r\n" + get()),
    ),
    *table(
        "request line",
        accept("plain", line("GET / HTTP/1.1")),
        refuse(400, "bare LF at its end", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
        refuse(400, "bare CR at its end", b"GET / HTTP/1.1\rHost: a\r\n\r\n"),
        refuse(400, "CR CR LF at its end", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        refuse(400, "LF everywhere", b"GET / HTTP/1.1\nHost: a\n\n"),
        refuse(400, "leading space", line(" GET / HTTP/1.1")),
        refuse(400, "leading tab", line("\tGET / HTTP/1.1")),
        refuse(400, "trailing space", line("GET / HTTP/1.1 ")),
        refuse(400, "trailing tab", line("GET / HTTP/1.1\t")),
        refuse(400, "two spaces after the method", line("GET  / HTTP/1.1")),
        refuse(400, "two spaces before the version", line("GET /  HTTP/1.1")),
        refuse(400, "tab after the method", line("GET\t/ HTTP/1.1")),
        refuse(400, "tab before the version", line("GET /\tHTTP/1.1")),
        refuse(400, "vertical tab for space", line("GET\x0b/ HTTP/1.1")),
        refuse(400, "form feed for space", line("GET /\x0cHTTP/1.1")),
        refuse(400, "no-break space for space", line("GET\xa0/ HTTP/1.1")),
        refuse(400, "NEL for line end", b"GET / HTTP/1.1\x85Host: a\r\n\r\n"),
        refuse(400, "extra word", line("GET / HTTP/1.1 x")),
        refuse(400, "space in the target", line("GET /a b HTTP/1.1")),
        refuse(400, "no version (HTTP/0.9)", b"GET /\r\n"),
        refuse(400, "no version, but fields", line("GET /")),
        refuse(400, "no target", line("GET HTTP/1.1")),
        refuse(400, "only a method", line("GET")),
        refuse(400, "only a version", line("HTTP/1.1")),
        refuse(400, "empty", line(" ")),
        refuse(400, "NUL", line("GET /\x00 HTTP/1.1")),
        starve("without its end", b"GET / HTTP/1.1"),
        starve("without the LF of its end", b"GET / HTTP/1.1\r"),
        starve("half a method", b"GE"),
    ),
    *table(
        "method",
        *(
            accept(name, method(name), Want(method=name))
            for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
        ),
        *(
            accept(f"{name}, from a registry", method(name), Want(method=name))
            for name in ("PROPFIND", "MKCOL", "M-SEARCH", "PURGE", "QUERY", "SOURCE", "SEARCH")
        ),
        *(
            accept(f"{name}, of another protocol", method(name), Want(method=name))
            for name in ("DESCRIBE", "SETUP", "PLAY", "ANNOUNCE", "PRI", "FLUSH")
        ),
        accept("unknown", method("FROB"), Want(method="FROB")),
        accept("begins like a known one", method("GETS"), Want(method="GETS")),
        accept("is the beginning of one", method("DEL"), Want(method="DEL")),
        accept("digits", method("123"), Want(method="123")),
        accept("marks of a token", method("A!$%&'*+-.^_`|~"), Want(method="A!$%&'*+-.^_`|~")),
        accept("20 bytes", method("A" * 20), Want(method="A" * 20)),
        refuse(400, "21 bytes", method("A" * 21)),
        refuse(400, "2 bytes", method("GO")),
        refuse(400, "lower case", method("get")),
        refuse(400, "mixed case", method("Get")),
        refuse(400, "number sign", method("GET#")),
        refuse(400, "parenthesis", method("GET(")),
        refuse(400, "slash", method("GE/T")),
        refuse(400, "quotes", method('"GET"')),
        refuse(400, "NUL", method("GE\x00T")),
        refuse(400, "obs-text", method("GE\xc9T")),
        refuse(501, "CONNECT", head("CONNECT a.b:443 HTTP/1.1", "Host: a.b:443")),
        refuse(501, "CONNECT to an IPv6 address", head("CONNECT [::1]:443 HTTP/1.1", "Host: a")),
        refuse(
            501,
            "CONNECT to an asterisk, which is a name too",
            head("CONNECT * HTTP/1.1", "Host: a"),
        ),
        refuse(400, "CONNECT to a URL", head("CONNECT http://a:443/ HTTP/1.1", "Host: a")),
        refuse(400, "CONNECT with userinfo", head("CONNECT u@a:443 HTTP/1.1", "Host: a")),
        refuse(400, "CONNECT to a port too large", head("CONNECT a:65536 HTTP/1.1", "Host: a")),
        refuse(400, "CONNECT to a path", head("CONNECT / HTTP/1.1", "Host: a")),
    ),
    *table(
        "version",
        accept("1.0", get(version="HTTP/1.0"), OLD),
        accept("1.0 without Host", head("GET / HTTP/1.0"), OLD),
        accept("1.2 is served as 1.1", get(version="HTTP/1.2")),
        accept("1.9 is served as 1.1", get(version="HTTP/1.9")),
        refuse(505, "2.0", get(version="HTTP/2.0")),
        refuse(505, "3.0", get(version="HTTP/3.0")),
        refuse(505, "0.9", get(version="HTTP/0.9")),
        refuse(505, "9.1", get(version="HTTP/9.1")),
        *(
            refuse(400, f"written {text!r}", get(version=text))
            for text in (
                "http/1.1",
                "Http/1.1",
                "HTTP/1",
                "HTTP/1.",
                "HTTP/.1",
                "HTTP/1.10",
                "HTTP/01.1",
                "HTTP/11.1",
                "HTTP/1.1.1",
                "HTTP/1,1",
                "HTTP/1.x",
                "HTTP/+1.1",
                "HTTP/ 1.1",
                "HTTP/1. 1",
                "HTTP 1.1",
                "HTTP1.1",
                "HTP/1.1",
                "XHTTP/1.1",
                "ICAP/1.0",
                "RTSP/1.0",
                "HTTPS/1.1",
                "HTTP/1.\xb9",
                "HTTP/1.1;a",
            )
        ),
    ),
    *table(
        "something else than HTTP/1",
        refuse(400, "HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        refuse(400, "TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        refuse(400, "SSH banner", b"SSH-2.0-OpenSSH_9.6\r\n"),
        refuse(400, "SMTP", b"EHLO example.org\r\n"),
        refuse(400, "Redis", b"*1\r\n$4\r\nPING\r\n"),
        refuse(400, "RDP", b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01"),
        refuse(400, "PROXY line", b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n"),
        refuse(400, "PROXY version 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"),
        refuse(400, "SSL 2 hello", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"),
        refuse(400, "HTTP/2 frame without its preface", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"),
        refuse(400, "SOCKS", b"\x05\x01\x00"),
        refuse(400, "MQTT", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c"),
        refuse(400, "PostgreSQL", b"\x00\x00\x00\x08\x04\xd2\x16\x2f"),
        refuse(400, "FTP", b"USER anonymous\r\n"),
        refuse(400, "memcached", b"get key\r\n"),
        refuse(400, "JSON", b'{"jsonrpc": "2.0"}\n'),
        refuse(400, "the end of somebody's chunks", b"0\r\n\r\n" + get()),
        refuse(400, "a response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        refuse(400, "a byte order mark", b"\xef\xbb\xbf" + get()),
        refuse(400, "UTF-16", "GET / HTTP/1.1\r\n".encode("utf-16-le")),
    ),
]
