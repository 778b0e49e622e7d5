# mypy: disable-error-code="import-untyped,import-not-found"
"""Django's hello, with its settings in this file and no middleware.

Runs in: both
"""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def hello(_request: HttpRequest) -> HttpResponse:
    """The same answer as `benchmarks.apps.plain:hello`."""
    # Without the middleware that adds it Django sends no length; see benchmarks/apps/plain.py.
    return HttpResponse(
        b"Hello, World!", content_type="text/plain", headers={"Content-Length": "13"}
    )


urlpatterns = [path("", hello)]

settings.configure(
    ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, ROOT_URLCONF=__name__, SECRET_KEY="not a secret"
)
app = get_wsgi_application()
