"""fastfork under gunicorn's name: what fastfork.config.compat has for config files, importable.

Runs in: both
"""

from __future__ import annotations

from fastfork.config import compat

compat.add_names()
__version__ = compat.NAMES["gunicorn"]["__version__"]
version_info = compat.NAMES["gunicorn"]["version_info"]
SERVER = compat.NAMES["gunicorn"]["SERVER"]
SERVER_SOFTWARE = compat.NAMES["gunicorn"]["SERVER_SOFTWARE"]
