"""A thread for jobs in the arbiter, so that there is one of it for all workers."""

import threading

bind = "127.0.0.1:0"
stop = threading.Event()
ran = threading.Event()


def jobs():
    while not stop.wait(0.05):
        ran.set()


def on_starting(server):
    threading.Thread(target=jobs, name="jobs", daemon=True).start()


def on_exit(server):
    stop.set()
    server.log.info("jobs ran: %s", ran.is_set())
