"""Random numbers that differ between workers, and a frozen heap."""

import gc
import random

bind = "127.0.0.1:0"
preload_app = True


def when_ready(server):
    gc.freeze()


def post_fork(server, worker):
    random.seed()
    worker.log.info("drew %s", random.random())
