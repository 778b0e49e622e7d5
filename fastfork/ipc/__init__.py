"""What arbiter and workers say to each other: signals as data, and shared memory.

Runs in: both
"""

from __future__ import annotations

from fastfork.ipc.heartbeat import Heartbeat
from fastfork.ipc.mailbox import SignalMailbox
from fastfork.ipc.modules import ModuleList
from fastfork.ipc.scoreboard import SLOT_BYTES, Field, Order, Scoreboard, ServerState, Slot, State

__all__ = [
    "SLOT_BYTES",
    "Field",
    "Heartbeat",
    "ModuleList",
    "Order",
    "Scoreboard",
    "ServerState",
    "SignalMailbox",
    "Slot",
    "State",
]
