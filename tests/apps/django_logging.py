"""A Django project with LOGGING, as most have; answers as `serial` does, and logs each request.

Its LOGGING disables the loggers that it does not name, which is what dictConfig does by default.
Each request is told of on gunicorn's logger and on wsgi.errors.

Runs in: worker
"""

from __future__ import annotations

import logging
import os
import time

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

LARGE_BYTES = 8 << 20  # as serial.py has it
SLOW_SECONDS = 0.2

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    LOGGING={
        "version": 1,
        "formatters": {"brief": {"format": "{levelname} {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "brief"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {"django": {"handlers": ["console"], "propagate": False}},
    },
)

log = logging.getLogger("gunicorn.error")


def answer(request: HttpRequest, kind: str, serial: str) -> HttpResponse:
    body = serial.encode()
    if kind == "slow":
        time.sleep(SLOW_SECONDS)
    elif kind == "upload":
        body += b" %d" % len(request.read())
    elif kind == "large":
        body += b"." * (LARGE_BYTES - len(body))
    log.info("logged %s.", serial)
    request.META["wsgi.errors"].write(f"told {serial}.\n")
    response = HttpResponse(body, content_type="text/plain")
    response["X-Pid"] = str(os.getpid())
    return response


urlpatterns = [path("<kind>/<serial>", answer)]

django.setup()
app = WSGIHandler()
