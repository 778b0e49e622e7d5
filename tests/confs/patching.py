"""Greenlets, and the standard library patched where gunicorn's users do it."""

from gevent import monkey

monkey.patch_all()

bind = "127.0.0.1:0"
worker_class = "gunicorn.workers.ggevent.GeventWorker"
worker_connections = 2000
workers = 2
