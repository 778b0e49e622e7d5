"""How often a worker looks up from its loop, for what no event tells it.

Runs in: worker
"""

from __future__ import annotations

from typing import Final

from fastfork.config import Config

TICK: Final = 1.0  # seconds between two looks up of a worker that is used
# ... and of one that is not.  With the arbiter's second, the processes of a server of eight workers
# then wake up twice a second.  Where connections stay with the worker that was told of them, an
# idle one looks for those that a busy one does not get to: sooner.
IDLE: Final = 8.0
IDLE_BESIDE: Final = 4.0
# Every turn is a heartbeat: there must be several within `timeout`.
BEATS: Final = 3


class Pace:
    """shares: connections go to another worker when this one has no thread for them.

    idle: seconds between two looks up where nothing has been asked for since the last.
    """

    def __init__(self, cfg: Config, *, shares: bool) -> None:
        # Module files, certificates and statistics are looked at once a second.
        looks = cfg.reload or cfg.statsd_host or (cfg.certfile and cfg.tls_reload)
        beside = cfg.workers > 1 and not shares
        self.idle = TICK if looks else IDLE_BESIDE if beside else IDLE
        self._timeout = cfg.timeout
        self._seen = -1

    def wait(self, requests: int, *, at_work: bool, limit: float) -> float:
        """Seconds until the next look up.

        requests: that have been served.  limit: of a request in seconds, 0 = none.
        """
        is_used = at_work or requests != self._seen
        self._seen = requests
        limits = filter(None, (self._timeout, limit))
        return min(TICK if is_used else self.idle, min(limits, default=BEATS * self.idle) / BEATS)
