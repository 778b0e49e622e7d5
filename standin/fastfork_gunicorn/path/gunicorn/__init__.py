"""gunicorn's module, as config files import it: what fastfork.config.gunicorn.compat names.

Runs in: both
"""

from __future__ import annotations

from fastfork.config.gunicorn import compat

compat.add_names()
__version__ = compat.NAMES["gunicorn"]["__version__"]
version_info = compat.NAMES["gunicorn"]["version_info"]
SERVER = compat.NAMES["gunicorn"]["SERVER"]
SERVER_SOFTWARE = compat.NAMES["gunicorn"]["SERVER_SOFTWARE"]
