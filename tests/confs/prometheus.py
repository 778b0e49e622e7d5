"""Prometheus' multiprocess mode: a worker that has gone is marked dead."""

import os
import tempfile

os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.gettempdir())

from prometheus_client import multiprocess

bind = "127.0.0.1:0"


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
