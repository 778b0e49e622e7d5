"""A Django application for the server tests, in one file.

Runs in: worker
"""

from __future__ import annotations

import json

import content
import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # sets Content-Length
    DATA_UPLOAD_MAX_MEMORY_SIZE=16 * 1024 * 1024,
)


def hello(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"hello": request.GET.get("name", "world")})


def form(request: HttpRequest) -> HttpResponse:
    return JsonResponse(dict(request.POST.lists()))


def echo_json(request: HttpRequest) -> HttpResponse:
    return JsonResponse(json.loads(request.body), safe=False)


def upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES["file"]
    return JsonResponse(content.describe(file.name, file.read()))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(content.stream(), content_type="text/plain")


def large(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.LARGE, content_type="application/octet-stream")


def set_cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("set")
    response.set_cookie("first", "one")
    response.set_cookie("second", "two words")
    return response


def cookies(request: HttpRequest) -> HttpResponse:
    return JsonResponse(request.COOKIES)


def boom(request: HttpRequest) -> HttpResponse:
    raise content.OnPurposeError("boom on purpose")


urlpatterns = [
    path("hello", hello),
    path("form", form),
    path("json", echo_json),
    path("upload", upload),
    path("stream", stream),
    path("large", large),
    path("cookies/set", set_cookies),
    path("cookies", cookies),
    path("boom", boom),
]

django.setup()
app = WSGIHandler()
checked = content.checked(app)
