"""Charts and history of the admin page, without a server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fastfork.ipc import Scoreboard, State, counters
from fastfork.metrics import prometheus
from fastfork.metrics.admin.app import CONTROL, AdminApp
from fastfork.metrics.admin.chart import Line, amount, chart, seconds
from fastfork.metrics.admin.history import SAMPLES, History
from fastfork.metrics.admin.page import main
from fastfork.metrics.admin.status import status
from fastfork.metrics.reading import Failing, Histogram, Reading, Running, WorkerFacts, read
from fastfork.records import replace


def reading(at: float, answers: int, failures: int = 0, bucket: int = 0) -> Reading:
    counts = [0] * counters.BUCKETS
    counts[bucket] = answers
    by_class = (0, 0, answers - failures, 0, 0, failures, 0, 0, 0, 0)
    empty = read(Scoreboard(1))
    return replace(empty, at=at, answers=by_class, duration=Histogram(tuple(counts), 0.0))


def test_rates_are_of_the_time_between_two_samples() -> None:
    history = History()
    for at, answers, failures in ((10.0, 100, 0), (12.0, 300, 10), (13.0, 300, 10)):
        history.add(reading(at, answers, failures, bucket=5))
    first, second = history.points(13.5)
    assert (first.at, first.rate, first.failures) == (-1.5, 100.0, 5.0)
    assert counters.BOUNDS[4] < first.median < first.slow <= counters.BOUNDS[5]
    assert (second.at, second.rate, second.failures, second.median) == (-0.5, 0.0, 0.0, 0.0)


def test_there_is_no_lately_before_two_samples() -> None:
    history = History()
    assert history.lately(10.0) is None
    history.add(reading(1.0, 0))
    assert history.lately(10.0) is None
    history.add(reading(2.0, 7))
    point = history.lately(10.0)
    assert point is not None
    assert point.rate == 7.0


def test_lately_is_the_last_seconds_only() -> None:
    history = History()
    for at in range(30):
        history.add(reading(float(at), 1000 if at >= 25 else 0))
    found = history.lately(10.0)
    assert found is not None
    assert found.rate == pytest.approx(100.0)
    none = history.lately(3.0)
    assert none is not None
    assert none.rate == 0.0


def test_history_is_five_minutes_long() -> None:
    history = History()
    for at in range(1000):
        history.add(reading(float(at), at))
    points = history.points(999.0)
    assert len(points) == SAMPLES - 1
    assert points[0].at == -299.0


@pytest.mark.parametrize(
    ("oldest", "label"), [(-3.0, "30 s"), (-45.0, "1 min"), (-100.0, "2 min"), (-299.0, "5 min")]
)
def test_chart_is_as_wide_as_there_are_samples(oldest: float, label: str) -> None:
    drawn = chart("Rate", "of it", [Line("all", "a", [(oldest, 3.0), (0.0, 4.0)])], amount)
    assert f">{label} ago</text>" in drawn


def test_lines_of_a_chart_stay_inside() -> None:
    points = [(float(-at), value) for at, value in enumerate((0.0, 1e-9, 7.3, 1e12))][::-1]
    drawn = chart("Rate", "of it", [Line("all", "a", points), Line("none", "b", [])], amount)
    places = re.findall(r"([\d.-]+),([\d.-]+)", re.findall(r'points="([^"]*)"', drawn)[0])
    assert len(places) == 4
    assert all(0 <= float(x) <= 600 and 0 <= float(y) <= 150 for x, y in places)
    assert drawn.count("<polyline") == 1


def test_chart_without_a_sample_says_so() -> None:
    drawn = chart("Rate <b>", "of <i>", [Line("all", "a", [])], amount)
    assert "no sample yet" in drawn
    assert "<b>Rate &lt;b&gt;</b>" in drawn
    assert "<p>of &lt;i&gt;</p>" in drawn


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (12.34, "12.3"), (45_678, "45.7k"), (3.2e6, "3.2M")]
)
def test_amounts_have_three_digits(value: float, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 s"), (0.000_012_3, "12.3 µs"), (0.25, "250 ms"), (61.0, "61 s")]
)
def test_times_have_the_unit_that_fits(value: float, text: str) -> None:
    assert seconds(value) == text


class Input:
    def read(self, size: int) -> bytes:
        return b""


def page_of(app: AdminApp) -> str:
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    return app.answer(environ).body.decode()


@pytest.mark.parametrize("installed", [True, False])
def test_page_links_to_the_metrics_or_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(prometheus, "is_installed", lambda: installed)
    page = page_of(AdminApp(Scoreboard(1), lambda _wish: False, ""))
    assert ('href="/metrics"' in page) == installed
    assert ("pip install 'fastfork[metrics]'" in page) != installed
    assert 'href="/status.json"' in page


def test_empty_tables_say_that_there_is_nothing() -> None:
    page = page_of(AdminApp(Scoreboard(1), lambda _wish: False, ""))
    for title in ("Failing URLs", "Slowest running requests", "Workers that have ended"):
        assert re.search(rf'<h2>{title}</h2><p>[^<]+</p><p class="none">none</p>', page)


def facts_of(nr: int, *running: Running) -> WorkerFacts:
    return WorkerFacts(nr, 70 + nr, State.READY, 9, 1, 1, 4, 1, 0, 1 << 20, 0.1, running, 2, 0.25)


def test_failing_urls_and_slowest_requests_are_bounded_and_in_order() -> None:
    failing = [Failing(f"GET /{nr}<i>", 1234, 0 if nr else 502, 1_700_000_000) for nr in range(99)]
    workers = [
        facts_of(nr, *(Running(f"GET /{nr}/{at} HTTP/1.1", nr * 9.0 + at) for at in range(9)))
        for nr in range(3)
    ]
    empty = read(Scoreboard(1))
    looked = replace(empty, failing=tuple(failing), workers=tuple(workers))
    drawn = main(looked, [], None)
    shown = re.findall(r'<td class="w">GET /(\d+)&lt;i&gt;</td>', drawn)
    assert shown == [str(nr) for nr in range(15)]
    assert '<td class="n">1,234</td><td class="n"><b class="bad">502</b></td>' in drawn
    slowest = re.findall(
        r'<td class="w">GET /(\d/\d) HTTP/1.1</td><td class="n">([\d.]+) s</td>', drawn
    )
    assert slowest[:2] == [("2/8", "26"), ("2/7", "25")]
    assert len(slowest) == 10
    found = status(looked, None)
    assert [one["seconds"] for one in found["slowest"]][:2] == [26.0, 25.0]
    assert found["slowest"][0] == {"line": "GET /2/8 HTTP/1.1", "seconds": 26.0, "pid": 72}
    assert found["failing"][1] == {
        "line": "GET /1<i>", "count": 1234, "status": None, "at": 1_700_000_000
    }  # fmt: skip


def asked(app: AdminApp, path: str, method: str, *, control: bool) -> str:
    environ: dict[str, Any] = {
        "PATH_INFO": path, "REQUEST_METHOD": method, "QUERY_STRING": "", CONTROL: control,
        "wsgi.input": Input(),
    }  # fmt: skip
    return app.answer(environ).status[:3]


def test_wish_that_the_arbiter_does_not_hear_is_answered_503() -> None:
    app = AdminApp(Scoreboard(1), lambda _wish: False, "")
    assert asked(app, "/reload", "POST", control=True) == "503"


@pytest.mark.parametrize("path", ["/scale", "/reload", "/reopen", "/drain"])
def test_without_control_nothing_is_wished_for(path: str) -> None:
    wishes: list[str] = []
    app = AdminApp(Scoreboard(1), lambda wish: not wishes.append(wish), "")
    assert asked(app, path, "POST", control=False) == "404"
    assert wishes == []
