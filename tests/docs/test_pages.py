"""Every console and config block of the documentation does what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, pages
from tests.docs.excused import EXCUSED
from tests.docs.play import excusable, name_of, play
from tests.docs.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="no checkout around the tests")
PAGES = pages() if DOCS.is_dir() else []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_of_the_page_do_what_it_says(page: Path, sandbox: Sandbox) -> None:
    play(page, sandbox, EXCUSED.get(name_of(page), {}))


def test_every_excuse_is_needed_and_has_a_reason() -> None:
    shown = {name_of(page): set(excusable(page)) for page in PAGES}
    unused = [
        (page, text)
        for page, excuses in EXCUSED.items()
        for text, why in excuses.items()
        if text not in shown.get(page, set()) or not why
    ]
    assert not unused
