"""The table of signals: every row works, is named and is explained."""

from __future__ import annotations

import signal

import pytest

from fastfork.arbiter import SIGNALS, Arbiter
from fastfork.arbiter.signals import Actions


class Recorder:
    """An arbiter that only notes what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> object:
        return lambda *_details: self.told.append(name)


@pytest.mark.parametrize(
    ("signum", "told"),
    [
        (signal.SIGTERM, ["stop"]),
        (signal.SIGINT, ["quit"]),
        (signal.SIGQUIT, ["quit"]),
        (signal.SIGHUP, ["reload"]),
        (signal.SIGUSR1, ["reopen"]),
        (signal.SIGTTIN, ["more"]),
        (signal.SIGTTOU, ["fewer"]),
        (signal.SIGUSR2, ["upgrade"]),
        (signal.SIGWINCH, ["rest"]),
        (signal.SIGCHLD, []),
    ],
)
def test_signal_tells_the_arbiter_what_gunicorn_users_expect(signum: int, told: list[str]) -> None:
    arbiter = Recorder()
    SIGNALS[signum].run(arbiter)  # type: ignore[arg-type]
    assert arbiter.told == told


def test_table_has_no_other_signal() -> None:
    assert len(SIGNALS) == 10


def test_arbiter_can_do_everything_in_the_table() -> None:
    for name in (name for name in vars(Actions) if not name.startswith("_")):
        assert callable(getattr(Arbiter, name))


@pytest.mark.parametrize("signum", sorted(SIGNALS))
def test_every_row_says_in_one_sentence_what_it_does(signum: int) -> None:
    assert SIGNALS[signum].help.endswith((".", ")."))
    assert "\n" not in SIGNALS[signum].help


def test_names_are_words_that_people_type() -> None:
    names = {action.name for action in SIGNALS.values()} - {""}
    assert names == {"stop", "quit", "reload", "reopen", "more", "fewer", "upgrade", "rest"}
