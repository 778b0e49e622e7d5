"""The four lines of the quick start."""

bind = "127.0.0.1:0"
workers = 2
timeout = 120
loglevel = "info"
