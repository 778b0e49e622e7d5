"""A pool that was filled before the fork is thrown away in each worker, and filled anew."""

import sqlite3

bind = "127.0.0.1:0"
workers = 2
preload_app = True
pool = {"connection": sqlite3.connect(":memory:", check_same_thread=False)}


def pre_fork(server, worker):
    server.log.info("before the fork: %s", sorted(pool))


def post_fork(server, worker):
    pool.pop("connection").close()
    pool["own"] = sqlite3.connect(":memory:")
    server.log.info("after the fork: %s", sorted(pool))


def worker_exit(server, worker):
    pool["own"].close()
    server.log.info("closed its own")
