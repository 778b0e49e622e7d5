"""The grammar of access_log_format."""

from __future__ import annotations

import pytest

from fastfork.config.kinds.logformat import (
    ATOMS,
    LONGEST_FORMAT,
    Atom,
    BadFormat,
    parse,
    unknown_atoms,
)


def test_format_is_cut_into_literals_and_atoms() -> None:
    assert parse('%(h)s "%(r)s" 100%%') == [
        Atom("plain", "h", "", "s"),
        ' "',
        Atom("plain", "r", "", "s"),
        '" 100%',
    ]


@pytest.mark.parametrize(
    ("text", "atom"),
    [
        ("%({X-Request-Id}i)s", Atom("request", "x-request-id", "", "s")),
        ("%({Content-Type}o)s", Atom("response", "content-type", "", "s")),
        ("%({REMOTE_ADDR}e)s", Atom("environ", "REMOTE_ADDR", "", "s")),
        ("%({wsgi.url_scheme}e)s", Atom("environ", "wsgi.url_scheme", "", "s")),
        ("%(h)-15s", Atom("plain", "h", "-15", "s")),
        ("%(D)06d", Atom("plain", "D", "06", "d")),
        ("%(D)i", Atom("plain", "D", "", "d")),
        ("%(r).20s", Atom("plain", "r", ".20", "s")),
    ],
)
def test_atom_is_read(text: str, atom: Atom) -> None:
    assert parse(text) == [atom]


def test_empty_format_has_no_pieces() -> None:
    assert parse("") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%", "has a stray % before ''; write %% for a percent sign, %(h)s for an atom"),
        ("%h", "has a stray % before 'h'; write %% for a percent sign, %(h)s for an atom"),
        ("%(h)", "has a stray % before '(h)'; write %% for a percent sign, %(h)s for an atom"),
        ("%(h)d", "has %(h)d; write %(h)s"),
        ("%(D)x", "has %(D)x; write %(D)s"),
        ("%(h)r", "has %(h)r; write %(h)s"),
        ("%({a}i)d", "has %({a}i)d; write %({a}i)s"),
        ("a\nb", "has a line end; write it on one line"),
        ("x" * (LONGEST_FORMAT + 1), "has 8193 characters; write a format of at most 8192"),
    ],
)
def test_bad_format_is_told_what_to_write(text: str, said: str) -> None:
    with pytest.raises(BadFormat) as refused:
        parse(text)
    assert str(refused.value) == said


def test_unknown_atoms_are_named() -> None:
    assert unknown_atoms("%(h)s %(x)s %({a}z)s %({a}i)s") == ["x", "{a}z"]
    assert unknown_atoms(" ".join(f"%({name})s" for name in ATOMS)) == []
