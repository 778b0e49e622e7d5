"""What is said of settings of HTTP/2 that cannot be, or do not go together."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fastfork.cli.facts import rows
from fastfork.cli.parser import CommandLineParser
from fastfork.config import Loaded, load
from fastfork.errors import ConfigError

H2 = ("--http-protocols", "h2,h1")


def loaded(folder: Path, *words: str) -> Loaded:
    return load(CommandLineParser().options(words), {}, folder)


def test_cleartext_needs_the_protocol(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="http2_cleartext: needs HTTP/2; set http_protocols"):
        loaded(tmp_path, "--http2-cleartext", "prior-knowledge")


def test_upgrade_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'upgrade' is no way .*; write prior-knowledge"):
        loaded(tmp_path, *H2, "--http2-cleartext", "upgrade")


def test_protocol_that_nobody_can_ask_for_is_told(tmp_path: Path) -> None:
    if importlib.util.find_spec("fastfork._core.http.http2protocol") is None:
        pytest.skip("built without libnghttp2")
    [remark] = loaded(tmp_path, *H2).notices
    assert "http_protocols" in remark
    assert "without certfile, or http2_cleartext=prior-knowledge" in remark


def test_build_without_the_library_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "fastfork._core.http.http2protocol" else find(name),
    )
    with pytest.raises(ConfigError, match=r"h2 needs libnghttp2.*apt-get install libnghttp2-dev"):
        loaded(tmp_path, *H2, "--http2-cleartext", "prior-knowledge")


def test_words_are_protocols(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="http_protocols: 'h3' is none of h2, h1"):
        loaded(tmp_path, "--http-protocols", "h3")


def test_version_says_what_it_is_spoken_with() -> None:
    [said] = [value for name, value in rows() if name == "http/2"]
    assert "libnghttp2" in said
