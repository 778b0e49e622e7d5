"""fastfork: a prefork WSGI server that costs what the fastest C servers cost.

Runs in: both
"""

from __future__ import annotations

__version__ = "0.1.0"
