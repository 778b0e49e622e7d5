"""Development and production in one file."""

import os

DEBUG = os.environ.get("APP_ENV", "production") == "development"
bind = "127.0.0.1:0"

if DEBUG:
    reload = True
    loglevel = "debug"
    workers = 1
    reload_extra_files = ["templates/*.html"]
else:
    preload_app = True
    workers = int(os.environ.get("GUNICORN_WORKERS", 2))
