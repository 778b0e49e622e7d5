"""The table of metrics, and everything outside the code that uses its names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fastfork import clock
from fastfork.ipc import Field, Scoreboard, ServerState, State, counters
from fastfork.metrics.families import METRICS
from fastfork.metrics.reading import Histogram, read

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "docs" / "how-to" / "monitoring" / "grafana-dashboard.json"
RULES = ROOT / "docs" / "how-to" / "monitoring" / "prometheus-rules.yml"
HOW_TO = ROOT / "docs" / "how-to" / "prometheus-grafana.md"
NAME = re.compile(r"\bfastfork_[a-z0-9_]+")
# How an expression selects by a label: {state="busy"}, {status=~"5xx|none"}.
SELECTED = re.compile(r"(fastfork_[a-z0-9_]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')


def names() -> set[str]:
    """Every name that /metrics may show."""
    found = set()
    for metric in METRICS:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        found |= {metric.name + suffix for suffix in suffixes}
    return found


def board() -> Scoreboard:
    board = Scoreboard(4)
    board.server_state = ServerState.READY
    slot = board.claim(0)
    slot.pid, slot.threads, slot.state, slot.rss_bytes = 4_000_000, 2, State.READY, 1 << 20
    return board


def label_values() -> dict[tuple[str, str], set[str]]:
    """(metric, label) -> the values that it may have."""
    found: dict[tuple[str, str], set[str]] = {}
    reading = read(board())
    for metric in METRICS:
        for values, _number in metric.samples(reading):
            for label, value in zip(metric.labels, values, strict=True):
                found.setdefault((metric.name, label), set()).add(value)
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of everything that we give to users."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]


def test_names_are_as_prometheus_wants_them() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"fastfork(_[a-z0-9]+)+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_every_metric_has_samples_with_its_labels() -> None:
    reading = read(board())
    for metric in METRICS:
        samples = list(metric.samples(reading))
        assert samples, metric.name
        for labels, value in samples:
            assert len(labels) == len(metric.labels)
            assert isinstance(value, Histogram) == (metric.kind == "histogram")


def test_alerts_and_panels_use_only_metrics_that_exist() -> None:
    found = list(expressions())
    assert len(found) > 15
    for where, expression in found:
        used = set(NAME.findall(expression))
        assert used, where
        assert used <= names(), (where, used - names())


def test_alerts_and_panels_select_only_labels_that_exist() -> None:
    known = label_values()
    for where, expression in expressions():
        for metric, selectors in SELECTED.findall(expression):
            for label, value in MATCHER.findall(selectors):
                if label in ("job", "instance", "le"):
                    continue
                wanted = set(value.split("|"))
                assert wanted <= known[metric, label], (where, metric, label)


def test_rules_are_complete() -> None:
    rules = [r for g in yaml.safe_load(RULES.read_text())["groups"] for r in g["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells


def test_how_to_names_only_metrics_that_exist() -> None:
    histograms = {metric.name for metric in METRICS if metric.kind == "histogram"}
    assert set(NAME.findall(HOW_TO.read_text())) <= names() | histograms


# -- one look


def test_reading_adds_up_the_living_and_the_gone() -> None:
    found = board()
    found.claim(0).ints[counters.ANSWERS + 2] = 5
    gone = found.claim(1)
    gone.ints[counters.ANSWERS + 2] = 7
    gone.clear()
    assert read(found).answers[2] == 12
    assert [worker.nr for worker in read(found).workers] == [0]


def test_reading_does_not_wait_for_ever_for_an_arbiter_that_died_in_the_middle() -> None:
    found = board()
    found.server[counters.EDITS] = 1
    assert read(found).workers


@pytest.mark.parametrize(
    ("state", "server", "ready"),
    [
        (State.READY, ServerState.READY, True),
        (State.SPENT, ServerState.READY, True),
        (State.BOOTING, ServerState.READY, False),
        (State.DRAINING, ServerState.READY, False),
        (State.READY, ServerState.STARTING, False),
        (State.READY, ServerState.DRAINING, False),
        (State.READY, ServerState.STOPPING, False),
    ],
)
def test_server_is_ready_while_it_is_and_a_worker_serves(
    state: State, server: ServerState, ready: bool
) -> None:
    found = board()
    found.claim(0).state, found.server_state = state, server
    assert not read(found).is_alive  # no arbiter has turned yet
    assert not read(found).is_ready
    found.server[Field.HEARTBEAT_NS] = clock.now_ns()
    assert read(found).is_alive
    assert read(found).is_ready is ready


def test_connections_and_requests_in_flight_are_never_negative() -> None:
    found = board()
    slot = found.claim(0)
    slot.ints[counters.KEPT_ALIVE], slot.connections, slot.in_flight = 5, 3, 2
    slot.ints[counters.ANSWERS + 2] = 9
    worker = read(found).workers[0]
    assert (worker.connections, worker.idle, worker.in_flight) == (3, 1, 2)
