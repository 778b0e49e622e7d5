"""Settings: one declarative table, the sources they come from, and the checks.

`Config()` has every default; `load()` reads the sources.

Runs in: both
"""

from __future__ import annotations

from .gunicorn.ashooks import as_gunicorn
from .kinds.spec import Spec
from .settings import GROUPS, SETTINGS, Config
from .sources.loading import Loaded, load

__all__ = ["GROUPS", "SETTINGS", "Config", "Loaded", "Spec", "as_gunicorn", "load"]
