"""What a reload takes from the new settings, and what it leaves as it is."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fastfork import logs
from fastfork.arbiter import Arbiter
from fastfork.arbiter import revisions as revisions
from fastfork.arbiter.children.child import Children
from fastfork.arbiter.forking.forkserver import NoForker
from fastfork.arbiter.revisions import without_server_settings
from fastfork.arbiter.server_stats import ServerStats
from fastfork.config import Config, Loaded
from fastfork.ipc import Scoreboard
from fastfork.net import Endpoints


class FakeWorkers:
    """Workers that nobody forks."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.socket_count = 1
        self.generation = 0
        self.replaced = 0
        self.dismissed = 0
        self.children = Children()

    def aim_for(self, target: int) -> None:
        self.target = target

    def replace_all(self) -> None:
        self.replaced += 1
        self.generation += 1

    def dismiss_loading(self, _cfg: Config) -> None:
        self.dismissed += 1


class FakeForker(NoForker):
    """Is ready at once."""

    is_ready = True


class FakeFactory:
    """Makes forkers that fork nobody."""

    def forker(self, _loaded: Loaded) -> FakeForker:
        return FakeForker()


@pytest.fixture(autouse=True)
def no_log_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "setup", lambda _cfg: None)
    monkeypatch.setattr(revisions, "settle", lambda *_, **__: Endpoints([], reuse_port=False))
    monkeypatch.setattr(logs.LOGGER, "propagate", True)


def unused(_cfg: Config) -> Any:
    pytest.fail("nobody asked for the application")


def arbiter(before: dict[str, Any], after: dict[str, Any], *, target: int) -> Arbiter:
    loaded = Loaded(Config(**before))
    made = Arbiter(loaded, reload=lambda: Loaded(Config(**after)), load_app=unused)
    made.stats = ServerStats(Scoreboard(1))
    made.workers = FakeWorkers(target)  # type: ignore[assignment]
    made._factory = FakeFactory()  # type: ignore[assignment]
    return made


def test_setting_of_the_server_stays_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    running = Config(proc_name="a", timeout=30)
    with caplog.at_level(logging.WARNING, "fastfork.error"):
        new = without_server_settings(Loaded(Config(proc_name="b", timeout=60)), running)
    assert (new.config.proc_name, new.config.timeout) == ("a", 60)
    assert caplog.messages == ["proc_name changed; restart the server for it: a reload keeps a"]


@pytest.mark.parametrize(
    ("before", "after", "running", "wanted"),
    [
        (2, 4, 2, 4),  # the file says something new
        (2, 2, 3, 3),  # SIGTTIN said it, the file nothing new
        (2, 1, 3, 1),
    ],
)
def test_number_of_workers_follows_the_file_when_the_file_changed_it(
    before: int, after: int, running: int, wanted: int
) -> None:
    it = arbiter({"workers": before}, {"workers": after}, target=running)
    it.reload()
    assert it.workers.target == wanted
    assert it.cfg.workers == after


def test_second_reload_starts_the_first_over_and_remembers_where_it_began() -> None:
    it = arbiter({"timeout": 7.0}, {"timeout": 5.0}, target=1)
    it.reload()
    it.reload()
    it.reload()
    assert (it.workers.replaced, it.workers.dismissed) == (3, 2)  # type: ignore[attr-defined]
    assert it.revisions.rollout is not None
    assert it.revisions.rollout.previous.cfg.timeout == 7
    assert it.revisions.rollout.since == 1


def test_number_asked_for_during_a_reload_outlives_its_failure() -> None:
    it = arbiter({"workers": 2}, {"workers": 4}, target=2)
    it.reload()
    it.more()
    assert it.revisions.rollout is not None
    assert (it.workers.target, it.revisions.rollout.target) == (5, 3)


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), SystemExit(1), OSError("gone"), KeyboardInterrupt()]
)
def test_nothing_that_a_config_file_does_ends_the_server(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> Loaded:
        raise error

    it = arbiter({}, {}, target=1)
    it._reload = explode
    it.reload()
    assert it.revisions.rollout is None
    assert caplog.messages[0].startswith("reload refused: ")
