"""The corpus on the session alone, whole and byte by byte."""

from __future__ import annotations

import pytest

pytest.importorskip("fastfork._core.http.http2")

from tests.http2.case import Case
from tests.http2.corpus import CASES
from tests.http2.memory import MemoryTransport
from tests.http2.wire import Conversation


class ByteByByte(MemoryTransport):
    """What the client sends comes in single bytes."""

    def exchange(self, data: bytes) -> tuple[bytes, bool]:
        came = []
        for at in range(len(data)):
            part, _ = super().exchange(data[at : at + 1])
            came.append(part)
        return b"".join(came), self.session.over


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_is_kept(case: Case) -> None:
    case.play(Conversation(MemoryTransport()))


SHORT = [case for case in CASES if case.group != "limits" and "larger" not in case.name]


@pytest.mark.parametrize("case", SHORT, ids=str)
def test_rule_is_kept_byte_by_byte(case: Case) -> None:
    case.play(Conversation(ByteByByte()))
