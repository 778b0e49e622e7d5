"""What requests have in common before one is read."""

from __future__ import annotations

import io

from fastfork.wsgi.template import read_in_blocks


def test_without_sendfile_a_file_is_read_in_large_blocks() -> None:
    file = io.BytesIO(b"x" * 100_000)
    assert [len(block) for block in read_in_blocks(file, 10)] == [65536, 34464]
