"""Greenlets."""

bind = "127.0.0.1:0"
worker_class = "gevent"
worker_connections = 2000
