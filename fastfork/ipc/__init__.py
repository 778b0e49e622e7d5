"""What arbiter and workers say to each other: signals as data, and shared memory.

Runs in: both
"""

from __future__ import annotations

from fastfork.ipc.mailbox import SignalMailbox
from fastfork.ipc.modules import ModuleList
from fastfork.ipc.scoreboard import SLOT_BYTES, Field, Scoreboard, Slot, State

__all__ = ["SLOT_BYTES", "Field", "ModuleList", "Scoreboard", "SignalMailbox", "Slot", "State"]
