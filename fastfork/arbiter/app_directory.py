"""Whether there is still a directory to load the application from.

Deploy tools remove old releases.  A worker that starts where nothing is left fails, and so would
each one after it: so none is started, one line says what is missing, and the rest serve on.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastfork.config import Config

log = logging.getLogger("fastfork.error")


class AppDirectory:
    """Looks at `chdir` before each fork; says once that it is gone, and once that it is back."""

    def __init__(self) -> None:
        self._missing = ""

    def is_there(self, cfg: Config) -> bool:
        """Return whether workers can be started.

        What this process may not see, the worker's user perhaps may: that is for the worker to say.
        """
        place = cfg.chdir
        try:
            os.stat(place)
        except (FileNotFoundError, NotADirectoryError) as error:
            if place != self._missing:
                self._missing = place
                log.error(
                    "chdir: %s: %s; the workers that run serve on, and none is started until it is "
                    "there again, or a reload finds another one",
                    place,
                    error.strerror,
                )
            return False
        except OSError:
            return True
        if place == self._missing:
            log.info("chdir: %s is there again; workers are started", place)
        self._missing = ""
        return True
