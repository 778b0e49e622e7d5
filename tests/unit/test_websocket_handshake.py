"""The opening handshake (RFC 6455 section 4.2), and what is agreed to of permessage-deflate
(RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from typing import Any

import pytest

from fastfork._core.http.wsdeflate import Deflate, negotiate, parse_extensions
from fastfork._core.http.wshandshake import accept_key, check_handshake, subprotocols

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # section 1.3
NO_WEBSOCKET, WEBSOCKET, MALFORMED, OTHER_VERSION = 0, 101, 400, 426


def test_key_of_the_specification_has_its_answer() -> None:
    assert accept_key(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, WEBSOCKET),
        ({"upgrade": "WebSocket"}, WEBSOCKET),
        ({"upgrade": "h2c, websocket"}, WEBSOCKET),
        ({"connection": "keep-alive, Upgrade"}, WEBSOCKET),
        ({"connection": "keep-alive ,\tUPGRADE , x"}, WEBSOCKET),
        ({"minor": 0}, NO_WEBSOCKET),
        ({"upgrade": None}, NO_WEBSOCKET),
        ({"upgrade": "h2c"}, NO_WEBSOCKET),
        ({"upgrade": "websocket/13"}, NO_WEBSOCKET),
        ({"connection": None}, NO_WEBSOCKET),
        ({"connection": "keep-alive"}, NO_WEBSOCKET),
        ({"connection": "upgrades"}, NO_WEBSOCKET),
        ({"is_get": False}, MALFORMED),
        ({"version": None}, OTHER_VERSION),
        ({"version": "8"}, OTHER_VERSION),
        ({"version": "14"}, OTHER_VERSION),
        ({"version": "013"}, OTHER_VERSION),
        ({"version": ""}, MALFORMED),
        ({"version": "13, 13"}, MALFORMED),
        ({"version": "-1"}, MALFORMED),
        ({"version": "1000"}, MALFORMED),
        ({"version": "thirteen"}, MALFORMED),
        ({"version": "١٣"}, MALFORMED),
        ({"key": None}, MALFORMED),
        ({"key": ""}, MALFORMED),
        ({"key": KEY[:-1]}, MALFORMED),
        ({"key": KEY + "="}, MALFORMED),
        ({"key": f"{KEY}, {KEY}"}, MALFORMED),
        ({"key": "dGhlIHNhbXBsZSBub25jZ!=="}, MALFORMED),
        ({"key": "dGhlIHNhbXBsZSBub25jZR=="}, MALFORMED),
        ({"key": KEY + "\n"}, MALFORMED),
    ],
)
def test_handshake_is_judged_by_the_rules_of_section_4_2_1(
    changes: dict[str, Any], verdict: int
) -> None:
    said: dict[str, Any] = {
        "is_get": True,
        "minor": 1,
        "upgrade": "websocket",
        "connection": "Upgrade",
        "version": "13",
        "key": KEY,
    }
    said.update(changes)
    assert check_handshake(*said.values()) == verdict


@pytest.mark.parametrize(
    ("value", "names"),
    [(None, []), ("chat", ["chat"]), ("a, b.c/d"[:6], ["a", "b.c"]), ("b ,\ta", ["b", "a"])],
)
def test_subprotocols_come_in_the_client_s_order(value: str | None, names: list[str]) -> None:
    assert subprotocols(value) == names


@pytest.mark.parametrize("value", ["", "a,", "a,,b", "a b", "a, a", "a;b", "ä", "a/b"])
def test_subprotocols_that_are_no_tokens_or_repeated_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Sec-WebSocket-Protocol"):
        subprotocols(value)


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("", []),
        (" , ,", []),
        ("a", [("a", [])]),
        ("a, b", [("a", []), ("b", [])]),
        ('a; x; y=1; z="q" ,b', [("a", [("x", None), ("y", "1"), ("z", "q")]), ("b", [])]),
        ("a ;x = 1", [("a", [("x", "1")])]),
    ],
)
def test_extensions_are_parsed(value: str, parsed: list[Any]) -> None:
    assert parse_extensions(value) == parsed


@pytest.mark.parametrize(
    "value",
    [";", "a;", "a;;b", "a=1", "a; =1", "a; b=", 'a; b="', 'a; b="c d"', "a b", 'a; b=""', "ä"],
)
def test_what_is_no_list_of_extensions_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="extension"):
        negotiate(f"permessage-deflate, {value}")


BOTH = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
OURS = "permessage-deflate; server_max_window_bits=12; client_no_context_takeover"
NEITHER = "; server_no_context_takeover; client_no_context_takeover"
Agreed = tuple[str, tuple[int, int, bool, bool]] | None


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("", None),
        ("permessage-bzip2", None),
        ("permessage-deflate", (OURS, (12, 15, True, False))),
        ("permessage-deflate; client_max_window_bits", (BOTH, (12, 12, True, True))),
        ("permessage-deflate; client_max_window_bits=15", (BOTH, (12, 12, True, True))),
        ('permessage-deflate; client_max_window_bits="15"', (BOTH, (12, 12, True, True))),
        (
            "permessage-deflate; client_max_window_bits=8",
            (BOTH[:-2] + "8", (12, 8, True, True)),
        ),
        (
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
            (BOTH.replace("12", "9", 1), (9, 12, True, True)),
        ),
        (
            "permessage-deflate; client_max_window_bits; server_no_context_takeover",
            (BOTH + "; server_no_context_takeover", (12, 12, False, True)),
        ),
        (
            "permessage-deflate; client_max_window_bits; client_no_context_takeover",
            (BOTH + "; client_no_context_takeover", (12, 12, True, False)),
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=09", None),
        ("permessage-deflate; client_max_window_bits=0", None),
        ("permessage-deflate; client_max_window_bits=12x", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover=true", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("x-webkit-deflate-frame, permessage-deflate", (OURS, (12, 15, True, False))),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            (OURS, (12, 15, True, False)),
        ),
        (
            "permessage-deflate; client_max_window_bits, permessage-deflate",
            (BOTH, (12, 12, True, True)),
        ),
    ],
)
def test_first_offer_that_can_be_taken_is_agreed_to(offer: str, agreed: Agreed) -> None:
    assert negotiate(offer) == agreed


def test_without_takeover_neither_side_keeps_anything() -> None:
    assert negotiate("permessage-deflate; client_max_window_bits", takeover=False) == (
        BOTH + NEITHER,
        (12, 12, False, False),
    )


@pytest.mark.parametrize("bits", [(8, 12), (16, 12), (12, 7), (12, 16)])
def test_windows_that_zlib_cannot_have_are_refused(bits: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="window"):
        Deflate(*bits, True, True)
