"""Settings of HTTP: time limits, size limits, the parser.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import DURATION, FLAG, FLAG_ON, HEADER, KIBI, PATH, SIZE, choice, integer
from ..kinds.spec import setting

__all__ = ["AnswerSettings", "LeniencySettings", "LimitSettings", "TimeSettings"]


@record(frozen=True, kw_only=True)
class TimeSettings:
    """Time limits of a connection."""

    keepalive: float = setting(
        2.0,
        DURATION,
        "Close a kept-alive connection that is idle for this long (0 = after each response).",
        flags="--keep-alive",
        reload="workers",
        more="Behind a load balancer, more than its own idle time: otherwise it sends requests "
        "into connections that are just being closed.",
    )
    header_timeout: float = setting(
        10.0,
        DURATION,
        "Time for a request head, from its first byte.",
        flags="--header-timeout",
        reload="workers",
        more="Then the client gets 408. A new connection may say nothing for as long, and is then "
        "closed.",
    )
    body_timeout: float = setting(
        30.0,
        DURATION,
        "Longest pause between two pieces of a request body.",
        flags="--body-timeout",
        reload="workers",
        more="Then the client gets 408.",
    )
    body_min_rate: int = setting(
        240,
        SIZE,
        "Bytes a second that a request body must come with (0 = no minimum).",
        flags="--body-min-rate",
        reload="workers",
        more="Counted on average, after the first 10 seconds. Then the client gets 408. Bytes "
        "that came faster than that pay for `body_timeout` and 10 seconds more at most, so a "
        "quick beginning does not allow hours of dripping.",
    )
    write_timeout: float = setting(
        60.0,
        DURATION,
        "Longest time in which a client takes nothing of a response.",
        flags="--write-timeout",
        reload="workers",
        more="Then the connection is reset.",
    )


@record(frozen=True, kw_only=True)
class LimitSettings:
    """HTTP parser and limits."""

    http_parser: str = setting(
        "auto",
        choice("auto", "httptools", "native", fast="httptools", python="native"),
        "Parser of request heads: auto, httptools or native.",
        flags="--http-parser",
        reload="workers",
        more="`auto` is httptools when it is installed, else native. Both accept and refuse the "
        "same requests. gunicorn's `fast` means httptools, its `python` native.",
    )
    limit_request_line: int = setting(
        8190,
        SIZE,
        "Bytes of a request line at most (0 = no limit).",
        flags="--limit-request-line",
        reload="workers",
        more="A longer one gets 414. RFC 9112 section 3 asks for 8000 at least.",
    )
    limit_request_fields: int = setting(
        100,
        integer(0, 1_000_000),
        "Header fields of a request at most (0 = no limit).",
        flags="--limit-request-fields",
        reload="workers",
        more="More get 431.",
    )
    limit_request_field_size: int = setting(
        8190,
        SIZE,
        "Bytes of a header field at most (0 = no limit).",
        flags="--limit-request-field_size --limit-request-field-size",
        reload="workers",
        more="A longer one gets 431.",
    )
    limit_request_head: int = setting(
        256 * KIBI,
        SIZE,
        "Bytes of a request head at most (0 = no limit).",
        flags="--limit-request-head",
        reload="workers",
        more="A longer one gets 431.",
    )
    limit_request_body: int = setting(
        KIBI**3,
        SIZE,
        "Bytes of a request body at most (0 = no limit).",
        flags="--limit-request-body",
        reload="workers",
        more="A longer one gets 413, before it is read when its length is announced.",
    )

    body_buffer: int = setting(
        KIBI**2,
        SIZE,
        "Bytes of a request body kept in memory.",
        flags="--body-buffer",
        reload="workers",
        more="A larger body goes to a file without a name in `tmp_upload_dir` before the "
        "application is called; so does one of more than 16 KiB while all bodies that a worker "
        "has in memory are 64 MiB.",
    )
    response_buffer: int = setting(
        KIBI**3,
        SIZE,
        "Bytes of one response that may wait in a file for a slow client.",
        flags="--response-buffer",
        reload="workers",
        more="What a client does not take stays in memory as long as all of it together is little "
        "(32 MiB a worker, 1 MiB of what one response has pushed with `write()`), and goes to a "
        "file in `tmp_upload_dir` beyond that. An iterable is not asked for more meanwhile. A "
        "client that lets more than this wait is disconnected.",
    )
    tmp_upload_dir: str | None = setting(
        None,
        PATH,
        "Directory for large request bodies and for responses that wait.",
        flags="--tmp-upload-dir",
        reload="workers",
        more="Without it the system's directory for temporary files (`TMPDIR`, else `/tmp`). The "
        "files have no name, so none is left behind. When the disk is full, a request is "
        "answered with 507, a response is cut off, and the log says why. gunicorn has this "
        "setting and does nothing with it.",
    )


@record(frozen=True, kw_only=True)
class LeniencySettings:
    """What is taken of unusual clients.

    Each of these relaxes a rule that keeps requests unambiguous."""

    header_map: str = setting(
        "drop",
        choice("drop", "refuse", "dangerous"),
        "Fields with an underscore in the name: drop, refuse or dangerous (pass on).",
        flags="--header-map",
        reload="workers",
        more="In the environ `X_A` and `X-A` are the same name, so a client could send one where "
        "a proxy has checked the other. `drop` leaves the field out and logs its name once, "
        "`refuse` answers 400, `dangerous` passes it on, but of a trusted peer none that "
        "would pass for a field of `secure_scheme_headers` or `forwarded_client`.",
    )
    permit_obsolete_folding: bool = setting(
        False,
        FLAG,
        "Take field values that go over several lines.",
        flags="--permit-obsolete-folding",
        reload="workers",
        more="The lines are joined by one space and count together for "
        "`limit_request_field_size`. Fields that decide about framing, routing or the connection "
        "(Host, Content-Length, Transfer-Encoding, Connection, Expect, Upgrade) may not be folded "
        "even then; that is stricter than gunicorn.",
    )
    strip_header_spaces: bool = setting(
        False,
        FLAG,
        "Take white space between a field name and its colon.",
        flags="--strip-header-spaces",
        reload="workers",
        more="A proxy that sees another name there can be bypassed (RFC 9112 section 5.1).",
    )
    permit_unconventional_http_method: bool = setting(
        False,
        FLAG,
        "Take every token as a method.",
        flags="--permit-unconventional-http-method",
        reload="workers",
        more="Else a method has 3 to 20 characters, no lower case letter and no `#`.",
    )
    permit_unconventional_http_version: bool = setting(
        False,
        FLAG,
        "Take every HTTP/d.d as a version.",
        flags="--permit-unconventional-http-version",
        reload="workers",
        more="Versions below 1.0 are served as HTTP/1.0, those above 1.9 as HTTP/1.1. Without it "
        "they get 505.",
    )
    casefold_http_method: bool = setting(
        False,
        FLAG,
        "Take methods in lower case for the same in upper case.",
        flags="--casefold-http-method",
        reload="workers",
        more="Methods are case-sensitive (RFC 9110 section 9.1); the application sees upper case. "
        "gunicorn takes lower case only with `permit_unconventional_http_method` too.",
    )


@record(frozen=True, kw_only=True)
class AnswerSettings:
    """Answers."""

    sendfile: bool = setting(
        True,
        FLAG_ON,
        "Send files by sendfile(2).",
        flags="--sendfile",
        env="SENDFILE",
        reload="workers",
        more="Without it files are read and sent in blocks, those of `wsgi.file_wrapper`, of "
        "static_path, and of ASGI's pathsend and zerocopysend: for file systems on which "
        "sendfile(2) gives wrong bytes (VirtualBox shared folders). In gunicorn any value in a "
        "config file, True too, turns it off.",
    )
    server_header: str = setting(
        "fastfork",
        HEADER,
        "The Server field of responses and error pages, and SERVER_SOFTWARE in the environ.",
        flags="--server-header",
        reload="workers",
        more="What `gunicorn.SERVER_SOFTWARE = ...` in a config file sets. Empty, the field is "
        "sent without a value. A Server field of the application's own comes first.",
    )
