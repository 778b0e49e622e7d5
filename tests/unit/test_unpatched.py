"""The system's own calls, whatever has replaced them."""

from __future__ import annotations

import select
import sys
import threading
import time
import types

import pytest

from fastfork import unpatched


class Patched:
    """gevent.monkey as far as it is asked: what it has taken away, by module and name."""

    def __init__(self, **taken: object) -> None:
        self.taken = {tuple(name.split("__")): value for name, value in taken.items()}

    def is_object_patched(self, module: str, name: str) -> bool:
        return (module, name) in self.taken

    def get_original(self, module: str, name: str) -> object:
        return self.taken[module, name]


def test_what_was_patched_away_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    epoll = select.epoll
    monkeypatch.setitem(sys.modules, "gevent.monkey", Patched(select__epoll=epoll))  # type: ignore[arg-type]
    monkeypatch.delattr(select, "epoll")
    assert unpatched.has_epoll()
    made = unpatched.make_epoll()
    assert type(made) is epoll
    made.close()


def test_what_was_replaced_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setitem(sys.modules, "gevent.monkey", Patched(time__sleep=slept.append))  # type: ignore[arg-type]
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("the replacement"))
    unpatched.sleep(1.5)
    assert slept == [1.5]


def test_without_gevent_it_is_that_of_the_module() -> None:
    assert unpatched.thread_ident() == threading.get_ident()
    assert unpatched.make_poll().poll(0) == []


def test_fork_gives_the_child_a_hub_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[int] = []
    hub = types.SimpleNamespace(reinit=lambda: renewed.append(1))
    monkeypatch.setitem(sys.modules, "gevent.hub", hub)  # type: ignore[arg-type]
    for pid, expected in ((7, []), (0, [1])):
        monkeypatch.setitem(sys.modules, "gevent.monkey", Patched(os__fork=lambda pid=pid: pid))  # type: ignore[arg-type]
        assert unpatched.fork() == pid
        assert renewed == expected
