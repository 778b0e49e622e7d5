"""System calls that fail: a preloaded library, compiled when a test asks for it.

Runs in: cli
"""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from tests.kit.programs import compiler

SOURCE = Path(__file__).with_name("faults.c")


def failing_accepts(directory: Path, *faults: tuple[int, int]) -> dict[str, str]:
    """Environment of a server whose first accepts fail: (errno, times), in this order.

    directory: where the library goes.  Raises CalledProcessError when the C compiler, which
    builds the package too, does not take it.
    """
    assert all(number in errno.errorcode for number, _ in faults)
    told = ",".join(f"{number}:{times}" for number, times in faults)
    return {"LD_PRELOAD": preloaded(directory, SOURCE), "FASTFORK_FAULTS": told}


def preloaded(directory: Path, source: Path) -> str:
    """LD_PRELOAD with a library that is made of `source` in `directory`.

    Raises CalledProcessError when the C compiler does not take it.
    """
    library = directory / f"{source.stem}.so"
    subprocess.run(
        [*compiler(), "-std=gnu11", "-O1", "-fPIC", "-shared", "-o", str(library), str(source)],
        check=True,
        timeout=60,
    )
    # Behind what is there already: a sanitizer's library insists on being the first.
    return " ".join([*filter(None, [os.environ.get("LD_PRELOAD")]), str(library)])
