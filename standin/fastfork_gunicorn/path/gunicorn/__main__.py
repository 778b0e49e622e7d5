"""`python -m gunicorn` is `gunicorn`.

Runs in: cli
"""

from __future__ import annotations

import sys

from fastfork_gunicorn.command import main

if __name__ == "__main__":
    sys.exit(main())
