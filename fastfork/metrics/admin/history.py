"""The last minutes, a sample a second: what the charts show.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from fastfork.ipc.counters import quantile
from fastfork.metrics.reading import Reading
from fastfork.records import record

__all__ = ["History", "Point"]

SAMPLES: Final = 301  # five minutes


@record(frozen=True)
class _Sample:
    at: float
    answers: int
    failures: int
    durations: tuple[int, ...]
    busy: int
    threads: int


@record(frozen=True)
class Point:
    """What happened between two samples.  at: seconds before now, negative.

    rate, failures: a second; failures: answers of class 5xx.  median, slow: seconds, the latter
    what 99 of 100 answers keep below.  busy, threads: at the later sample.
    """

    at: float
    rate: float
    failures: float
    median: float
    slow: float
    busy: int
    threads: int


class History:
    """Samples, the oldest first."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)

    def add(self, reading: Reading) -> None:
        """Take a sample."""
        serving = [worker for worker in reading.workers if worker.serves]
        self._samples.append(
            _Sample(
                reading.at,
                sum(reading.answers),
                reading.answers[5],
                reading.duration.counts,
                sum(worker.busy for worker in serving),
                sum(worker.threads for worker in serving),
            )
        )

    def points(self, now: float) -> list[Point]:
        """Return one for each pair of neighbours.  now: seconds of `fastfork.clock`."""
        samples = list(self._samples)
        return [
            _between(before, after, now)
            for before, after in pairwise(samples)
            if after.at > before.at
        ]

    def lately(self, seconds: float) -> Point | None:
        """Return the last `seconds` as one point; None before there are two samples."""
        samples = list(self._samples)
        if len(samples) < 2:
            return None
        last = samples[-1]
        first = next((s for s in samples if s.at >= last.at - seconds), samples[-2])
        first = samples[-2] if first is last else first
        return _between(first, last, last.at)


def _between(before: _Sample, after: _Sample, now: float) -> Point:
    seconds = after.at - before.at
    counts = _difference(after.durations, before.durations)
    return Point(
        at=after.at - now,
        rate=(after.answers - before.answers) / seconds,
        failures=(after.failures - before.failures) / seconds,
        median=quantile(counts, 0.5),
        slow=quantile(counts, 0.99),
        busy=after.busy,
        threads=after.threads,
    )


def _difference(after: Sequence[int], before: Sequence[int]) -> list[int]:
    return [a - b for a, b in zip(after, before, strict=True)]
