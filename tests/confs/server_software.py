"""Hides what serves."""

import gunicorn

gunicorn.SERVER_SOFTWARE = "web"

bind = "127.0.0.1:0"
