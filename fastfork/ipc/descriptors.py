"""Descriptors out of a message, closed in programs that are executed.

`socket.recv_fds` forgets its `flags`, so what it receives stays open in whatever the application
starts, and keeps the port taken when the server has gone.

Runs in: both
"""

from __future__ import annotations

import array
import os
import socket

from fastfork import port


def receive(sock: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """Return a message of at most `size` bytes and its `most` descriptors at most.  Raises
    OSError."""
    numbers = array.array("i")
    room = socket.CMSG_LEN(most * numbers.itemsize)
    flag = port.received_flag()
    message, extras, _flags, _address = sock.recvmsg(size, room, flag)
    for level, kind, data in extras:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    if not flag:
        for number in numbers:
            os.set_inheritable(number, False)
    return message, numbers.tolist()
