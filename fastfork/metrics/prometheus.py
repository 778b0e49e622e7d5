"""/metrics: the table as Prometheus text, by prometheus-client's custom collector.

Not its multiprocess mode: the numbers are on the scoreboard, and files would be written for each.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, Final

from fastfork.ipc.counters import BOUNDS
from fastfork.metrics.families import METRICS, Metric
from fastfork.metrics.reading import Histogram, Reading

__all__ = ["MISSING", "Exposition", "is_installed"]

MISSING: Final = (
    "/metrics needs prometheus-client, which is not installed; type: pip install fastfork[metrics]"
)
# le="..." of each bucket but the last.
LABELS: Final = tuple(repr(bound) for bound in BOUNDS)


def is_installed() -> bool:
    """Return whether prometheus-client can be imported."""
    try:
        importlib.import_module("prometheus_client.core")
    except ImportError:
        return False
    return True


class Exposition:
    """Writes the metrics that `look` finds.  Raises ImportError without prometheus-client."""

    def __init__(self, look: Callable[[], Reading]) -> None:
        self._look = look
        self._core: Any = importlib.import_module("prometheus_client.core")
        self._text: Any = importlib.import_module("prometheus_client.exposition")
        # Not the default registry: that one has this process's own facts, which nobody asked for.
        self._registry = self._core.CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def write(self, accept: str) -> tuple[str, bytes]:
        """(Content-Type, text) in the form that an Accept field asks for."""
        encode, kind = self._text.choose_encoder(accept)
        return kind, encode(self._registry)

    def collect(self) -> Iterator[Any]:
        """Called by prometheus-client: a family a metric."""
        reading = self._look()
        for metric in METRICS:
            yield self._family(metric, reading)

    def _family(self, metric: Metric, reading: Reading) -> Any:
        kinds = {
            "counter": self._core.CounterMetricFamily,
            "gauge": self._core.GaugeMetricFamily,
            "histogram": self._core.HistogramMetricFamily,
        }
        family = kinds[metric.kind](metric.name, metric.help, labels=metric.labels)
        for labels, value in metric.samples(reading):
            if isinstance(value, Histogram):
                family.add_metric(labels, buckets=_cumulated(value), sum_value=value.sum)
            else:
                family.add_metric(labels, value)
        return family


def _cumulated(histogram: Histogram) -> list[tuple[str, float]]:
    """[(upper bound, how many are not above it), ...], the last one without a bound."""
    return list(zip((*LABELS, "+Inf"), accumulate(histogram.counts), strict=True))
