"""A tracer that patches before anything is imported, and a thread of runtime metrics."""

import ddtrace

ddtrace.patch_all()

bind = "127.0.0.1:0"


def post_fork(server, worker):
    from ddtrace.runtime import RuntimeMetrics

    RuntimeMetrics.enable()


def worker_exit(server, worker):
    from ddtrace import tracer

    tracer.flush()
