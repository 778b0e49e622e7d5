"""Metrics by statsd where the environment names a host."""

import os

bind = "127.0.0.1:0"
statsd_host = os.environ.get("STATSD_HOST")
statsd_prefix = "shop"
dogstatsd_tags = "env:test"
