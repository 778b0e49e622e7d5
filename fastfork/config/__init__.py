"""Settings: one declarative table, the sources they come from, and the checks.

`Config()` has every default; `load()` reads the sources.

Runs in: both
"""

from __future__ import annotations

from .gunicorn.ashooks import as_gunicorn
from .loading import Loaded, load
from .settings import GROUPS, SETTINGS, Config
from .spec import Spec

__all__ = ["GROUPS", "SETTINGS", "Config", "Loaded", "Spec", "as_gunicorn", "load"]
