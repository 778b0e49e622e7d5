"""A long file with a section for each kind of setting, most of them at their default."""

import os
import sys
import threading
import traceback

# --- sockets
bind = "127.0.0.1:0"
backlog = 2048

# --- workers
workers = 1
worker_class = "sync"
worker_connections = 1000
timeout = 30
keepalive = 2
max_requests = 0
max_requests_jitter = 0

# --- process
daemon = False
spew = False
pidfile = None
umask = 0
user = None
group = None
tmp_upload_dir = None
raw_env = ["SPAM=eggs", "SETTINGS_MODULE=shop.settings"]
proc_name = None

# --- logs
errorlog = "-"
loglevel = "info"
accesslog = "-"
access_log_format = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'

# --- TLS
certfile = None
keyfile = None


# --- hooks
def when_ready(server):
    server.log.info("the listeners are there")


def pre_fork(server, worker):
    pass


def pre_exec(server):
    server.log.info("about to become the new program")


def post_fork(server, worker):
    server.log.info("forked %s", worker.pid)


def post_worker_init(worker):
    worker.log.info("spam is %s", os.environ["SPAM"])


def worker_int(worker):
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame))
        worker.log.info("stack of %s:\n%s", names.get(ident), stack)


def worker_abort(worker):
    worker.log.info("silent for too long")


def ssl_context(config, default_ssl_context_factory):
    return default_ssl_context_factory()
