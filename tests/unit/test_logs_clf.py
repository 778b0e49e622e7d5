"""The date of the Common Log Format."""

from __future__ import annotations

import time

import pytest

from fastfork.logs.access import clf


@pytest.mark.parametrize(("month", "name"), [(1, "Jan"), (5, "May"), (12, "Dec")])
def test_months_have_english_names_whatever_the_locale(
    monkeypatch: pytest.MonkeyPatch, month: int, name: str
) -> None:
    plain = time.strftime
    monkeypatch.setattr(time, "strftime", lambda form, at: plain(form.replace("%b", "MAI"), at))
    at = time.struct_time((2026, month, 29, 6, 21, 4, 0, 0, 0))
    assert clf.date(at).startswith(f"[29/{name}/2026:06:21:04 +")
