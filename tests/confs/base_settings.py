"""What the files of several sites import."""

import multiprocessing

bind = "127.0.0.1:0"
workers = min(multiprocessing.cpu_count(), 2)
timeout = 60
proc_name = "base"


def when_ready(server):
    server.log.info("ready with %s workers", server.num_workers)
