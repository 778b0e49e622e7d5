"""A page with a mistake fails: for each kind of block, one that must not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import BadBlock, blocks
from tests.docs.console import commands, shows
from tests.docs.play import play
from tests.docs.sandbox import Sandbox

LOG = """[2026-11-25 01:45:37 +0000] [28914] [INFO] Starting fastfork 0.1.0
[2026-11-25 01:45:37 +0000] [28916] [INFO] Worker ready (pid: 28916)
"""


def page_of(folder: Path, *parts: str) -> Path:
    """A page with these blocks: each a language, a line end, and text."""
    page = folder / "page.md"
    page.write_text("".join(f"```{part.rstrip()}\n```\n\n" for part in parts))
    return page


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("console\n$ echo one\ntwo", "the page shows:\ntwo"),
        ("console\n$ echo one; echo two\none", "the page shows:\none"),
        ("console\n$ false", "ended with 1"),
        ("console\n$ fastfork shpo:app", "no module named 'shpo'"),
        ("console\n$ fastfork shop:app\nListening on the moon", "the page shows"),
        ("console\n$ fastfork --worker 2 shop:app", "no option --worker"),
        ("console\n$ fastfork shop:app\n$ curl http://127.0.0.1:8000/\nHi", "the page shows:\nHi"),
        ("console\n$ pip install 'fastfork[graphite]'", "no extra ['graphite']"),
        ("console\n$ systemctl stop shop", "not for a test to run"),
        ("console\nls", "begins with `$ `"),
        ("text\nfastfork shop:app", "nothing runs 'text'"),
        ("{include} /etc/fstab", "include takes a page"),
        ("bash\nfastfork shop:app", "nothing runs 'bash'"),
        ("\nfastfork shop:app", "one word, the language"),
        ("python\nworkers = 2", "first line of a python block"),
        ("python\n# fastfork.conf.py\nworkers = 'many'", "workers: 'many'"),
        ("python\n# fastfork.conf.py\nmax_speed = 2", "no settings: ['max_speed']"),
        ("python\n# fastfork.conf.py\nreuse_prt = True", "no settings: ['reuse_prt']"),
        ("python\n# fastfork.conf.py\ndef on_strting(server): pass", "no settings: ['on_strting'"),
        ("python\n# shop.py\nimport nothing_of_that_name", "No module named"),
        ("toml\n# fastfork.toml\nworkrs = 2", "workrs"),
        ("toml\nworkers = 2", "begin with `# fastfork.toml`"),
        ("ini\n# a.service\n[Service]\nExecStart=/usr/bin/fastfork --wokers 2 a:b", "--wokers"),
        ("ini\nworkers = 2", "no section headers"),
        ("nginx\nproxy_pas http://127.0.0.1:8000;", 'unknown directive "proxy_pas"'),
        ("haproxy\nbackend shop\n    balanse roundrobin", "balanse"),
        ("yaml\na: [", "expected the node content"),
        ("yaml\ncommand: [fastfork, --wokers, '2', 'shop:app']", "--wokers"),
        ("json\n{'a': 1}", "Expecting property name"),
        ("dockerfile\nFORM python:3.13", "no instruction: FORM"),
        ('dockerfile\nCMD ["fastfork", "--wokers", "2", "shop:app"]', "--wokers"),
        ("dockerfile\nRUN pip install 'fastfork[graphite]'", "no extra ['graphite']"),
    ],
)  # fmt: skip
def test_mistake_in_a_block_is_found(
    tmp_path: Path, sandbox: Sandbox, block: str, said: str
) -> None:
    with pytest.raises(AssertionError) as found:
        play(page_of(tmp_path, block), sandbox, {}, patience=0.5)
    assert said in str(found.value)


def test_mistake_is_told_with_page_and_line(tmp_path: Path, sandbox: Sandbox) -> None:
    page = page_of(tmp_path, "console\n$ true", "console\n$ true\n$ false")
    with pytest.raises(AssertionError, match=rf"{page}:7: `false` ended with 1"):
        play(page, sandbox, {})


def test_code_that_is_only_indented_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n    fastfork shop:app\n")
    with pytest.raises(BadBlock, match="only indented"):
        list(blocks(page))


def test_server_that_ends_badly_is_found(tmp_path: Path, sandbox: Sandbox) -> None:
    page = page_of(
        tmp_path,
        "python\n# fastfork.conf.py\ndef on_exit(server):\n    1 / 0",
        "console\n$ fastfork shop:app",
    )
    with pytest.raises(AssertionError, match="alarms in the log"):
        play(page, sandbox, {})


def test_page_of_all_kinds_is_played(tmp_path: Path, sandbox: Sandbox) -> None:
    page = page_of(
        tmp_path,
        "text\na drawing",
        "python\n# fastfork.conf.py\nbind = ['127.0.0.1:8000', 'unix:/run/shop/web.sock']",
        "console\n$ fastfork -w 2 shop:app\n…\n[…] [1] [INFO] Worker ready (pid: 7)",
        "console\n$ curl http://127.0.0.1:8000/\nHello\n"
        "$ curl --unix-socket /run/shop/web.sock \\\n    http://shop/\nHello\n"
        "$ fastfork config show\nbind = …127.0.0.1:8000…\n…\n$ docker build .",
        "console\n$ fastfork -b 127.0.0.1:8001 --pid two.pid shop:app &\n"
        "$ curl http://127.0.0.1:8001/\nHello\n$ fastfork signal stop --pid two.pid",
    )
    play(page, sandbox, {"a drawing": "it is one", "docker build .": "no docker"})


def test_literal_include_is_a_block(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_text("[Unit]\n")
    page = tmp_path / "page.md"
    page.write_text("```{literalinclude} a.service\n:language: ini\n```\n")
    (block,) = blocks(page)
    assert (block.language, block.name, block.text) == ("ini", "a.service", "[Unit]\n")


def test_continued_command_is_one(tmp_path: Path) -> None:
    (block,) = blocks(page_of(tmp_path, "console\n$ echo \\\n    one\none\n$ echo two"))
    assert [(one.text, one.shown) for one in commands(block)] == [
        ("echo one", "one"),
        ("echo two", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "to_end", "same"),
    [
        (LOG, True, True),
        (LOG.replace("28914", "7").replace("01:45", "02:46"), True, True),
        (LOG.replace("0.1.0", "…"), True, True),
        ("…\n[2026-11-25 01:45:37 +0000] [28916] [INFO] Worker ready (pid: 28916)", True, True),
        (LOG.splitlines()[0], False, True),
        (LOG.splitlines()[0], True, False),
        (LOG.splitlines()[1], False, False),
        (LOG.replace("fastfork", "gunicorn"), True, False),
        (LOG.replace("[INFO]", "[…"), True, True),
        ("…", True, True),
    ],
)
def test_page_shows_what_was_said(shown: str, to_end: bool, same: bool) -> None:
    assert shows(shown, LOG, to_end=to_end) == same


def test_ports_and_paths_of_the_page_are_other_ones_here(sandbox: Sandbox) -> None:
    text = (
        "curl http://127.0.0.1:8000/run -o /run/shop/a.sock; cd /srv/shop; ls /usr/srv/x 12:8000x"
    )
    inside = sandbox.inside(text)
    assert f"127.0.0.1:{sandbox.port(8000)}/run -o {sandbox.root}/run/shop/a.sock" in inside
    assert f"cd {sandbox.root}/srv/shop; ls /usr/srv/x 12:8000x" in inside
    assert sandbox.outside(inside) == text
