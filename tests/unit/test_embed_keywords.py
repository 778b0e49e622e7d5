"""Settings that are handed over in code."""

from __future__ import annotations

from pathlib import Path

from fastfork.embed import keywords
from fastfork.embed.application import named


def test_none_leaves_a_setting_to_whoever_is_below(tmp_path: Path) -> None:
    given = {"bind": None, "config": None, "worker_class": None, "threads": 2}
    loaded = keywords.read(named("shop:app"), given, {"PORT": "80"}, tmp_path, caller="serve()")
    assert (loaded.config.bind, loaded.config.threads) == (("0.0.0.0:80",), 2)
    assert loaded.origins["worker_class"] == "default"
    assert loaded.config.config is None
