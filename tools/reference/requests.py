"""docs/reference/requests.md, "what we accept, and why", from the corpus in tests/wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tests.wire.case import SETTINGS, Case
from tests.wire.corpus import ALL, WHY

SHOWN: Final = 120  # characters of an input, the ends of a longer one
INTRO: Final = """\
<!-- Made from tests/wire/corpus by `make docs-reference`. -->

# What we accept, and why

Each line is a test: these bytes go through both parsers and over a socket to a running server,
whole, byte by byte and cut in two, and this is what comes of them. `\\r\\n` is CR LF, `\\xff` a
byte above 0x7f; of long inputs only both ends are shown.

- *served*: the request reaches the application (*3 served*: so many do). A number behind it is the
  status of the refusal of what follows; *closed*: the connection ends there, and what follows is
  not read as a request.
- *waits*: legal so far. When nothing more comes the client gets 408, and when it hangs up the
  application is not called.
- A number is the status of the refusal. The answer says `Connection: close`, and nothing behind it
  is read as a request.

Settings are described in [settings](settings.md). Where a line names one, the input was tested with
that value; all others have their defaults.
"""


def render() -> str:
    """The page."""
    return "\n".join([INTRO, *_contents(), "", *(part for rule in WHY for part in _section(rule))])


def _contents() -> Iterator[str]:
    """A table of the rules: how many cases, and what they end in."""
    yield "| rule | cases | refused with | settings |"
    yield "|---|---|---|---|"
    for rule, why in WHY.items():
        cases = _cases(rule)
        found = sorted({case.status for case in cases if case.status})
        statuses = ", ".join(map(str, found)) or "–"
        yield f"| [{rule}](#{_anchor(rule)}) | {len(cases)} | {statuses} | {_names(why.settings)} |"


def _section(rule: str) -> Iterator[str]:
    why = WHY[rule]
    yield f"## {rule}\n"
    yield f"{why.reason} ({why.source})\n"
    if why.settings:
        yield f"Changed by {_names(why.settings)}.\n"
    yield "| case | input | answer |"
    yield "|---|---|---|"
    for case in _cases(rule):
        yield f"| {_cell(case.name)} | {code(case.raw)} | {_verdict(case)} |"
    yield ""


def _cases(rule: str) -> list[Case]:
    return [case for case in ALL if case.rule == rule]


def _verdict(case: Case) -> str:
    last = next((n for n, want in enumerate(case.wants, 1) if not want.keep_alive), None)
    served = last or len(case.wants)
    words = ["served" if served == 1 else f"{served} served"] if served else []
    if last:
        words.append("closed")
    elif case.status:
        words.append(f"**{case.status}**")
    elif not case.complete:
        words.append("waits")
    given = [f"`{SETTINGS.get(name, name)} = {value}`" for name, value in case.settings.items()]
    return ", then ".join(words) + (f" ({', '.join(given)})" if given else "")


def _names(settings: Iterable[str]) -> str:
    return ", ".join(f"[`{name}`](settings.md#{_anchor(name)})" for name in settings)


def _anchor(heading: str) -> str:
    """As the Markdown of GitHub and of MyST make it."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def _cell(text: str) -> str:
    """Text in a cell: nothing in it is Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in escaped(text.encode("latin-1")))


def escaped(raw: bytes) -> str:
    """Visible ASCII as it is, everything else as in a bytes literal."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else repr(bytes([byte]))[2:-1]
        for byte in raw
    )


def code(raw: bytes) -> str:
    """Bytes as inline code for a table, both ends of long ones."""
    text = escaped(raw)
    if len(text) > SHOWN:
        text = f"{text[: SHOWN // 2]} … {text[-SHOWN // 2 :]}"
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"
