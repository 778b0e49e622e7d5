"""Wait statuses in words."""

from __future__ import annotations

import logging
import signal

import pytest

from fastfork.arbiter.children.reap import Death, meaning


def exited(code: int) -> int:
    return code << 8


@pytest.mark.parametrize(
    ("status", "sent", "death"),
    [
        (exited(0), set(), Death(0, logging.INFO, "exited")),
        (exited(1), set(), Death(1, logging.ERROR, "exited with code 1 (aborted)")),
        (exited(3), set(), Death(3, logging.ERROR, "exited with code 3 (failed to boot)")),
        (exited(4), set(), Death(4, logging.ERROR, "exited with code 4 (application not found)")),
        (exited(7), set(), Death(7, logging.ERROR, "exited with code 7")),
        (
            exited(255),
            set(),
            Death(
                255,
                logging.ERROR,
                "exited with code 255 (unexpected exception; its traceback is above)",
            ),
        ),
        (
            signal.SIGKILL,
            set(),
            Death(-9, logging.ERROR, "was killed by SIGKILL (Killed); perhaps out of memory"),
        ),
        (
            signal.SIGKILL,
            {signal.SIGABRT, signal.SIGKILL},
            Death(-9, logging.WARNING, "was killed by SIGKILL (Killed), sent by the arbiter"),
        ),
        (
            signal.SIGKILL,
            {signal.SIGTERM},
            Death(-9, logging.ERROR, "was killed by SIGKILL (Killed); perhaps out of memory"),
        ),
        (
            signal.SIGTERM,
            {signal.SIGTERM},
            Death(-15, logging.WARNING, "was killed by SIGTERM (Terminated), sent by the arbiter"),
        ),
        (
            signal.SIGSEGV | 0x80,
            set(),
            Death(-11, logging.ERROR, "was killed by SIGSEGV (Segmentation fault), core dumped"),
        ),
    ],
)
def test_status_is_put_in_words(status: int, sent: set[int], death: Death) -> None:
    assert meaning(status, sent) == death


def test_real_time_signal_without_a_name_has_its_number() -> None:
    assert meaning(signal.SIGRTMIN + 3).text.startswith(
        f"was killed by signal {signal.SIGRTMIN + 3}"
    )
