"""Where h11 and fastfork read the corpus differently, and why that is right.

h11 is a library for both ends of a connection: it leaves to its user what a server must
decide (targets, Host, expectations, limits), and forgives some of what old peers sent.

Runs in: cli
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """Cases of one rule about which h11 differs, all in the same way.

    names: of the cases; ALL of a rule's that are refused, when empty.
    """

    rule: str
    h11: str
    ours: str
    reason: str
    names: tuple[str, ...] = ()


SMUGGLING: Final = "RFC 9112 lets a recipient forgive it; forgiving it is how smuggling works"
SERVER: Final = "the server's task, not a protocol library's"
BOUND: Final = "a bound of our own on what may come before a request is answered"
LATER: Final = "h11 refuses it too, but only when more bytes have come"

TABLE: Final = (
    Row(
        "empty lines before a request",
        "refused",
        "read",
        "RFC 9112 2.2: SHOULD ignore at least one",
        ("one", "four"),
    ),
    Row("request line", "read", "refused", SMUGGLING, ("bare LF at its end", "LF everywhere")),
    Row("request line", "waiting", "refused", LATER, ("no version (HTTP/0.9)",)),
    Row(
        "method",
        "read",
        "refused",
        "only conventional methods, as in gunicorn",
        ("21 bytes", "2 bytes", "lower case", "mixed case", "number sign"),
    ),
    Row(
        "method",
        "read",
        "refused",
        SERVER,
        (
            "CONNECT",
            "CONNECT to an IPv6 address",
            "CONNECT to an asterisk, which is a name too",
            "CONNECT to a URL",
            "CONNECT with userinfo",
            "CONNECT to a port too large",
            "CONNECT to a path",
        ),
    ),
    Row("version", "read", "refused", SERVER, ("2.0", "3.0", "0.9", "9.1")),
    Row("something else than HTTP/1", "read", "refused", SERVER, ("HTTP/2 preface",)),
    Row(
        "something else than HTTP/1",
        "waiting",
        "refused",
        LATER,
        (
            "SSH banner",
            "SMTP",
            "Redis",
            "PROXY line",
            "UTF-16",
            "SSL 2 hello",
            "FTP",
            "memcached",
            "JSON",
        ),
    ),
    Row("origin-form", "read", "refused", SERVER),
    Row("percent-encoding", "read", "refused", SERVER),
    Row(
        "bytes of a target", "read", "refused", SERVER, ("number sign", "number sign in the query")
    ),
    Row(
        "bytes above 0x7F in a target",
        "refused",
        "read",
        "no URI has them, but clients send them, and all servers beside us read them",
        (
            "0x80",
            "0xFF",
            "UTF-8",
            "in the query",
            "in path and query",
            "behind many others",
            "in front of many others",
            "many",
            "beside escapes",
            "behind a percent sign",
            "no-break space and NEL are no white space",
            "in the path of an absolute form",
            "with a body",
            "the next request is another one",
        ),
    ),
    Row(
        "absolute-form",
        "read",
        "refused",
        SERVER,
        (
            "NUL in its path",
            "userinfo",
            "empty userinfo",
            "no authority",
            "nothing behind the slashes",
            "only a port",
            "query for authority",
            "port too large",
            "port of letters",
            "backslash",
            "unclosed bracket",
            "no address in the brackets",
            "zone in the brackets",
            "text behind the bracket",
            "broken escape in the authority",
            "one slash",
            "other scheme",
            "ws",
            "no scheme",
            "number sign",
            "does not excuse a bad Host",
        ),
    ),
    Row("asterisk-form", "read", "refused", SERVER),
    Row(
        "line ends of fields",
        "read",
        "refused",
        SMUGGLING,
        ("bare LF", "bare LF as the empty line", "LF LF"),
    ),
    Row("line ends of fields", "waiting", "refused", LATER, ("bare CR as the empty line",)),
    Row(
        "obs-fold",
        "read",
        "refused",
        SMUGGLING,
        ("space", "tab", "only white space", "behind an empty value", "that hides a length"),
    ),
    Row(
        "bytes of a value",
        "read",
        "refused",
        "RFC 9110 5.5: control characters are not valid",
        ("0x01", "0x08", "0x0e", "0x1b", "0x1f", "0x7f"),
    ),
    Row("Content-Type", "read", "refused", SMUGGLING),
    Row(
        "Host",
        "read",
        "refused",
        "1.2 to 1.9 are served as 1.1, so 1.1's rules hold",
        ("missing on 1.9",),
    ),
    Row("Host", "read", "refused", SERVER, ("bad on 1.0",)),
    Row("invalid Host", "read", "refused", SERVER),
    Row(
        "Content-Length",
        "refused",
        "read",
        "leading zeros are harmless; h11 takes 20 digits",
        ("40 characters",),
    ),
    Row(
        "Content-Length",
        "read",
        "refused",
        SMUGGLING,
        ("list of equal ones", "twice and equal", "three times", "twice in two cases"),
    ),
    Row(
        "Content-Length",
        "waiting",
        "refused",
        "no such body is possible, so we do not wait for it",
        ("2**64 + 1",),
    ),
    Row("limit_request_body", "waiting", "refused", SERVER, ("default",)),
    Row(
        "Transfer-Encoding",
        "read",
        "read",
        "h11 gives the value in lower case",
        ("any case", "mixed case"),
    ),
    Row(
        "Transfer-Encoding",
        "read",
        "refused",
        SMUGGLING,
        (
            "on 1.0",
            "with Content-Length",
            "behind Content-Length",
            "with Content-Length zero",
            "folded",
        ),
    ),
    Row(
        "Transfer-Encoding",
        "waiting",
        "refused",
        SMUGGLING,
        ("with Content-Length named in Connection",),
    ),
    Row(
        "chunks",
        "refused",
        "read",
        "leading zeros are harmless; h11 takes 20 digits",
        ("40 digits",),
    ),
    Row("chunk size", "read", "refused", SMUGGLING, ("space behind", "tab behind")),
    Row(
        "chunk size",
        "waiting",
        "refused",
        "no such chunk is possible, so we do not wait for it",
        ("17 digits", "17 digits that are 1 in 64 bits", "16 digits, more than 63 bits"),
    ),
    Row("line ends of chunks", "read", "refused", SMUGGLING, ("bare LF as the last line",)),
    Row("line ends of chunks", "waiting", "refused", LATER, ("bare CR as the last line",)),
    Row(
        "chunk extensions",
        "read",
        "refused",
        "h11 skips extensions unread",
        (
            "empty name",
            "empty name, then one",
            "value without name",
            "empty value",
            "two equal signs",
            "space behind a name",
            "tab behind a value",
            "space behind quotes",
            "space behind the equal sign only",
            "space and no name",
            "space inside a name",
            "space inside a value",
            "text behind the quotes",
            "unclosed quotes",
            "control byte in quotes",
            "NUL in the name",
            "obs-text in the name",
        ),
    ),
    Row(
        "chunk extensions",
        "read",
        "refused",
        BOUND,
        (
            "257 bytes",
            "without end",
            "more than 16 KiB in a body",
            "spaces behind the name, 257 bytes",
            "spaces without end",
        ),
    ),
    Row(
        "chunk extensions",
        "refused",
        "read",
        "RFC 9112 7.1.1: a recipient MUST parse and remove bad white space",
        (
            "space before the semicolon",
            "tabs before the semicolon",
            "space before a semicolon behind the last chunk",
        ),
    ),
    Row("chunk extensions", "waiting", "refused", LATER, ("line end in quotes",)),
    Row(
        "trailer fields",
        "read",
        "refused",
        "h11 hands trailers to its user; RFC 9110 6.5.1 forbids these",
        (
            "Content-Length is forbidden",
            "Host is forbidden",
            "forbidden in any case",
            "forbidden behind another",
        ),
    ),
    Row(
        "trailer fields",
        "read",
        "refused",
        SMUGGLING,
        ("obs-fold", "control byte", "DEL", "bare LF"),
    ),
    Row(
        "Expect",
        "read",
        "refused",
        SERVER,
        (
            "another one",
            "empty",
            "parameter",
            "an empty member",
            "another one beside it",
            "another one in a second field",
            "a word more",
        ),
    ),
    Row("Expect", "waiting", "refused", SMUGGLING, ("before chunks with a length",)),
    Row("limit_request_line", "read", "refused", SERVER, ("default, one byte more",)),
    Row("limit_request_field_size", "read", "refused", SERVER, ("default, one byte more",)),
    Row("limit_request_fields", "read", "refused", SERVER, ("default, one more",)),
)
