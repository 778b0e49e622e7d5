"""`python -m fastfork` is `fastfork`.

Runs in: cli
"""

from __future__ import annotations

import sys

from fastfork.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
