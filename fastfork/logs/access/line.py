"""A line of the access log: the format, compiled once into a function.

The function puts the values together first and looks at the whole line once: printable ASCII
with no more quotes than the format has, and no backslash, is what nearly every line is.  Only
a line that fails this is made again with each value escaped.  In a format that is a JSON object
the values alone are looked at, and escaped as JSON.

Runs in: worker
"""

from __future__ import annotations

import binascii
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from fastfork._core.plain import is_plain
from fastfork.config.kinds import logformat
from fastfork.config.kinds.logformat import Atom

from ..base.escaping import LONGEST_VALUE, escape
from ..base.guard import must_pass
from ..base.requestid import KEY
from . import clf, jsontemplate

__all__ = ["LineFunction", "basic_user", "compile_line"]

Headers: TypeAlias = list[tuple[str, str]]

# (environ, status, bytes of body sent, duration in nanoseconds, response headers) -> line
LineFunction: TypeAlias = Callable[[dict[str, Any], str, int, int, Headers], str]

_ARGUMENTS: Final = "environ, status, sent, duration, headers"

# Letter of an atom -> expression.  Constants come by name, see _names().
_EXPRESSIONS: Final[dict[str, str]] = {
    "h": "environ.get(REMOTE_ADDR) or DASH",
    "l": "DASH",
    "u": "basic_user(environ[AUTHORIZATION]) if AUTHORIZATION in environ else DASH",
    "t": "clock.text if clock.start <= time() < clock.end else clock.refresh()",
    "r": "f'{environ.get(METHOD, DASH)} {environ.get(TARGET, DASH)} {environ.get(PROTOCOL, DASH)}'",
    "m": "environ.get(METHOD, DASH)",
    "U": "environ.get(PATH, DASH)",
    "q": "environ.get(QUERY, DASH)",
    "H": "environ.get(PROTOCOL, DASH)",
    "s": "status[:3]",
    "b": "sent or DASH",
    "B": "sent",
    "f": "environ.get(REFERER, DASH)",
    "a": "environ.get(USER_AGENT, DASH)",
    "T": "duration // 1000000000",
    "M": "duration // 1000000",
    "D": "duration // 1000",
    "L": "SECONDS % (duration / 1e9)",
    "p": "PID % getpid()",
    "pid": "getpid()",
    "target": "environ.get(TARGET, DASH)",
    "time": "clock.precise()",
    "request_id": "environ.get(REQUEST_ID, DASH)",
}

# An Authorization field that is longer is not asked for its user.
LONGEST_CREDENTIALS = 4096


class _Clock:
    """The time as the log shows it, made once a second; `start <= time() < end` holds for it."""

    __slots__ = ("date", "end", "start", "text", "zone")

    def __init__(self) -> None:
        self.start = self.end = 0.0
        self.text = self.date = self.zone = ""

    def refresh(self) -> str:
        self.start = float(int(time.time()))
        self.end = self.start + 1.0
        local = time.localtime(self.start)
        self.text = clf.date(local)
        zone = time.strftime("%z", local)
        self.date = time.strftime("%Y-%m-%dT%H:%M:%S", local)
        self.zone = f"{zone[:3]}:{zone[3:]}"
        return self.text

    def precise(self) -> str:
        """RFC 3339 with milliseconds."""
        now = time.time()
        if not self.start <= now < self.end:
            self.refresh()
            now = max(now, self.start)
        return f"{self.date}.{int((now - self.start) * 1000) % 1000:03d}{self.zone}"


def basic_user(authorization: str) -> str:
    """Return the user of Basic credentials (RFC 7617 section 2), or a dash."""
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or len(credentials) > LONGEST_CREDENTIALS:
        return "-"
    try:
        decoded = binascii.a2b_base64(credentials.strip().encode("ascii"), strict_mode=True)
    except (binascii.Error, ValueError):
        return "-"
    # latin-1 keeps each byte as one character, which is then escaped.
    user, colon, _ = decoded.decode("latin-1").partition(":")
    return user if user and colon else "-"


def response_field(headers: Headers, name: str) -> str:
    """Return the first response field of this name (lower case), or a dash."""
    for known, value in headers:
        if known.lower() == name:
            return value
    return "-"


def _names() -> dict[str, object]:
    """Return what the expressions refer to."""
    return {
        "AUTHORIZATION": "HTTP_AUTHORIZATION",
        "DASH": "-",
        "METHOD": "REQUEST_METHOD",
        "PATH": "PATH_INFO",
        "PID": "<%d>",
        "PROTOCOL": "SERVER_PROTOCOL",
        "QUERY": "QUERY_STRING",
        "REFERER": "HTTP_REFERER",
        "REMOTE_ADDR": "REMOTE_ADDR",
        "REQUEST_ID": KEY,
        "SECONDS": "%.6f",
        "TARGET": "RAW_URI",
        "USER_AGENT": "HTTP_USER_AGENT",
        "basic_user": basic_user,
        "clock": _Clock(),
        "getpid": os.getpid,
        "is_plain": is_plain,
        "must_pass": must_pass,
        "response_field": response_field,
        "time": time.time,
    }


def environ_key(field: str) -> str:
    """Return the environ's key of a request field (RFC 3875 section 4.1.18)."""
    key = field.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _expression(atom: Atom, constants: dict[str, object]) -> str:
    """Return the expression of an atom; what it needs by name is put into `constants`."""
    if not atom.known:
        return "DASH"
    if atom.source == "plain":
        return _EXPRESSIONS[atom.name]
    key = f"C{len(constants)}"
    if atom.source == "response":
        constants[key] = atom.name
        return f"response_field(headers, {key})"
    if atom.source == "request":
        constants[key] = environ_key(atom.name)
        return f"environ.get({key}, DASH)"
    # gunicorn ignores the case of environ keys: as written, else in upper case.
    constants[key] = atom.name
    constants[f"{key}_UPPER"] = atom.name.upper()
    return f"environ.get({key}, environ.get({key}_UPPER, DASH))"


def compile_line(text: str) -> LineFunction:
    """Return the function that makes a line of this format.  Raises logformat.BadFormat."""
    pieces = logformat.parse(text)
    quoted = jsontemplate.positions(pieces)
    constants = _names()
    atoms = [piece for piece in pieces if isinstance(piece, Atom)]
    expressions = [_expression(atom, constants) for atom in atoms]
    getters = _compile(
        f"[{', '.join(f'lambda {_ARGUMENTS}: {written}' for written in expressions)}]", constants
    )
    writers = [
        _writer(atom, None if quoted is None else quoted[number])
        for number, atom in enumerate(atoms)
    ]
    constants["make_safely"] = _careful(pieces, getters, [slow for _, slow in writers])
    for number, atom in enumerate(atoms):
        constants[f"LAYOUT{number}"] = _layout(atom)
    constants["value"] = jsontemplate.value
    body = _source(pieces, expressions, [quick for quick, _ in writers], is_json=quoted is not None)
    namespace: dict[str, Any] = constants
    # The text is made from the tables above; of the format only repr() comes in.
    exec(compile(body, "<access_log_format>", "exec"), namespace)  # noqa: S102
    function: LineFunction = namespace["line"]
    return function


def _compile(expression: str, names: dict[str, object]) -> Sequence[Callable[..., object]]:
    compiled = compile(expression, "<access_log_format>", "eval")
    getters: Sequence[Callable[..., object]] = eval(compiled, names)  # noqa: S307 - as above
    return getters


def _layout(atom: Atom) -> str:
    return f"%{atom.layout}{atom.letter}"


def _writer(atom: Atom, is_quoted: bool | None) -> tuple[str, Callable[[object], str]]:
    """Return how a value is written: within the f-string when all is well, and by a function when
    not.

    is_quoted: in a JSON format, whether it stands inside quotes; None in any other.
    In the f-string `#` is the number of the atom; q# is v# in quotes, null for a dash.
    """
    layout = _layout(atom)
    laid_out = "{LAYOUT# % (v#,)}" if layout != "%s" else "{v#}"
    if is_quoted is None:
        if atom.letter == "d":
            return laid_out, lambda value: layout % (value,)
        return laid_out, lambda value: layout % (escape(value),)
    if is_quoted:
        return laid_out, lambda value: jsontemplate.inside(value, layout)
    if atom.letter == "d":
        return laid_out, lambda value: layout % (value,)
    made = jsontemplate.bare(atom.written)
    if atom.source == "plain" and atom.name in jsontemplate.ALWAYS_NUMBERS - {"b"}:
        return "{v#}", made
    if made is jsontemplate.value:
        return "{value(v#)}", made
    return "{q#}", made


def _source(
    pieces: Sequence[logformat.Piece],
    expressions: Sequence[str],
    written: Sequence[str],
    *,
    is_json: bool,
) -> str:
    """Return the source of the function."""
    literals = "".join(piece for piece in pieces if isinstance(piece, str))
    has_plain_literals = (
        not is_json and literals.isascii() and literals.isprintable() and "\\" not in literals
    )
    quotes = literals.count('"') if has_plain_literals else 0
    parts: list[str] = []
    values = ""
    number = 0
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(repr(piece))
            continue
        parts.append(f"f{written[number].replace('#', str(number))!r}")
        values += f"{{v{number}}}"
        number += 1
    lines = [f"def line({_ARGUMENTS}):", "    try:"]
    lines += [f"        v{n} = {one}" for n, one in enumerate(expressions)]
    lines += [
        f"        q{n} = f'\"{{v{n}}}\"' if v{n} != DASH else 'null'"
        for n, one in enumerate(written)
        if one == "{q#}"
    ]
    lines.append(f"        text = {' '.join(parts) or repr('')}")
    lines.append(
        "        looked_at = text" if has_plain_literals else f"        looked_at = f{values!r}"
    )
    lines += [
        "    except BaseException as error:",  # an app may leave anything in the environ
        "        if must_pass(error):",
        "            raise",
        f"        return make_safely({_ARGUMENTS})",
        f"    if is_plain(looked_at, {quotes}, {LONGEST_VALUE}):",
        "        return text",
        f"    return make_safely({_ARGUMENTS})",
    ]
    return "\n".join(lines)


def _careful(
    pieces: Iterable[logformat.Piece],
    getters: Sequence[Callable[..., object]],
    writers: Sequence[Callable[[object], str]],
) -> LineFunction:
    """Return the slow twin of the function: each value fetched and escaped by itself."""
    left = iter(zip(getters, writers, strict=True))
    steps = [piece if isinstance(piece, str) else next(left) for piece in pieces]

    def line(environ: Any, status: str, sent: int, duration: int, headers: Headers) -> str:
        made = []
        for step in steps:
            if isinstance(step, str):
                made.append(step)
                continue
            getter, writer = step
            try:
                text = writer(getter(environ, status, sent, duration, headers))
            except BaseException as error:
                if must_pass(error):
                    raise
                text = writer("-")
            made.append(text)
        return "".join(made)

    return line
