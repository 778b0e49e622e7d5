"""Sentry is initialised in each worker and flushed when one goes."""

import os

bind = "127.0.0.1:0"
sentry_dsn = os.environ.get("SENTRY_DSN")


def post_fork(server, worker):
    if sentry_dsn:
        import sentry_sdk

        sentry_sdk.init(sentry_dsn)


def worker_exit(server, worker):
    if sentry_dsn:
        import sentry_sdk

        sentry_sdk.flush(timeout=2)
