# mypy: disable-error-code="import-untyped,import-not-found"
"""A page as Django sites have them: sessions, messages of the middleware, a template with a list.

The session lies in a signed cookie, so no database has part in it.  One takes about 2 ms.

Runs in: both
"""

from __future__ import annotations

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

ROWS = 45  # so many take 2 ms on CPython 3.11
TEMPLATE = """<!doctype html>
<title>{{ title|capfirst }}</title>
<p>Visit {{ visits }}</p>
<table>{% for row in rows %}
<tr class="{% cycle 'odd' 'even' %}"><td>{{ row.number }}</td><td>{{ row.name|title }}</td>
<td>{% if row.price > 50 %}<b>{{ row.price|floatformat:2 }}</b>{% else %}{{ row.price }}{% endif %}
{% endfor %}</table>
"""


def page(request: HttpRequest) -> HttpResponse:
    """Counts the visits of a session and shows a list."""
    visits = request.session.get("visits", 0) + 1
    request.session["visits"] = visits
    rows = [{"number": n, "name": f"item {n}", "price": n * 0.9} for n in range(ROWS)]
    shown = {"title": "a list", "visits": visits, "rows": rows}
    return HttpResponse(template.render(shown, request))


urlpatterns = [path("", page), path("page", page)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="not a secret",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
template = engines["django"].from_string(TEMPLATE)
app = get_wsgi_application()
