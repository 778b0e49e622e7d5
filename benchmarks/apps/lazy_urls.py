# mypy: disable-error-code="import-untyped,import-not-found"
"""The URL table of benchmarks/apps/lazy_django.py: imported with the first request, as Django does.

Runs in: worker
"""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
