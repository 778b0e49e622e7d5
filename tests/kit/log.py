"""What a server under test wrote, as text that one can wait for.

Runs in: cli
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.kit.waiting import DEADLINE, wait_until

# What must not be in a log unless the test says that it expects it.
ALARMS = re.compile(
    r"Traceback \(most recent call last\)|AddressSanitizer|LeakSanitizer|ThreadSanitizer"
    r"|: runtime error: |Fatal Python error|ResourceWarning|Exception ignored in"
    r"|Segmentation fault|\bBugError\b|garbage collected without being closed"
)

# A worker that is told to leave while it imports raises SystemExit; where that meets a callback
# of the import system's own, the interpreter writes this and passes it over.  The worker leaves
# all the same.
PASSED_OVER = re.compile(
    r"^Exception ignored in: <function _get_module_lock.*?^SystemExit: \d+$", re.M | re.S
)


class Log:
    """The file that stdout and stderr of the server go to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self) -> str:
        """All of it, so far."""
        return self.path.read_text(errors="backslashreplace") if self.path.exists() else ""

    def lines(self, containing: str = "") -> list[str]:
        """The lines that contain this text."""
        return [line for line in self.text().splitlines() if containing in line]

    def wait_for(self, text: str, *, count: int = 1, timeout: float = DEADLINE) -> str:
        """Wait until `text` was logged `count` times.  Returns the line of the last one.

        timeout: seconds.  Raises AssertionError with the log when the text does not come.
        """
        try:
            wait_until(lambda: self.text().count(text) >= count, f"log: {text!r}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error} (x {count}); the log:\n{self.text()}") from None
        return self.lines(text)[-1]

    def alarms(self) -> list[str]:
        """Lines that no healthy server writes."""
        text = PASSED_OVER.sub("", self.text())
        return [line for line in text.splitlines() if ALARMS.search(line)]
