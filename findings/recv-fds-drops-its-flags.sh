#!/usr/bin/env bash
# CPython 3.11 to 3.13: socket.recv_fds(sock, bufsize, maxfds, flags) never looks at its flags.
#
# One would guess that they reach recvmsg(2), as those of recv() reach recv(2) and as the docs of
# recv_fds say ("Refer to recvmsg() for the documentation of these parameters").  They are dropped:
# with MSG_PEEK the message is taken out of the socket all the same, and with MSG_CMSG_CLOEXEC the
# descriptors arrive inheritable, so a program that is executed later has them.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
"$python" - <<'PY'
import os
import socket
import sys

left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
right.settimeout(5)
pipe = os.pipe()
for text in (b"one", b"two"):
    socket.send_fds(left, [text], [pipe[0]])
first, fds, _flags, _address = socket.recv_fds(right, 16, 1, socket.MSG_PEEK)
second = right.recv(16)
left.close()
seen = (first, second)
print(f"CPython {sys.version.split()[0]}: peeked {first!r}, then received {second!r}")

left, right = socket.socketpair()
socket.send_fds(left, [b"x"], [pipe[0]])
_data, (fd,), _flags, _address = socket.recv_fds(right, 16, 1, socket.MSG_CMSG_CLOEXEC)
print(f"asked for close-on-exec, inheritable: {os.get_inheritable(fd)}")
sys.exit(0 if seen == (b"one", b"two") and os.get_inheritable(fd) else 1)
PY
