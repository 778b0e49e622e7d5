"""`gunicorn.socket` in the environ: the socket of a request, for those who really want it.

gunicorn puts the client's socket there; libraries for WebSocket over WSGI speak on it, and others
look at it.  Here the connection is the server's until the application uses the socket: to read, to
send, to make it wait, or to give it away.  From then on it is the application's, which has a socket
that blocks; the response is over before it began, and the connection ends with the call.

To have it in the environ, to copy that, or to ask who the client is takes nothing.  Nor does the
descriptor of an ordinary request, which applications wait on to hear that a client has left; of
one that asks for an upgrade it does.

Runs in: worker
"""

from __future__ import annotations

import _socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import Self

    from fastfork._core.conn.connection import Connection

__all__ = ["GunicornSocket"]

LOOKS: Final = _socket.MSG_PEEK | _socket.MSG_DONTWAIT
# Of an SSLSocket: what it knows of the client.
TLS_LOOKS: Final = frozenset(
    {
        "cipher", "compression", "context", "get_channel_binding", "getpeercert",
        "selected_alpn_protocol", "server_hostname", "server_side", "session_reused",
        "shared_ciphers", "version",
    }
)  # fmt: skip


def _answering(connection: Connection, number: int) -> Connection | None:
    is_its = connection.taken is not None or connection.answers(number)
    return connection if is_its else None


class GunicornSocket:
    """Stands for the socket of one request, or of whatever request the calling thread answers.

    find() -> the connection, None when that request is over.  is_upgrade: the client asks for
    another protocol.
    """

    def __init__(self, find: Callable[[], Connection | None], *, is_upgrade: bool = False) -> None:
        self._find = find
        self._is_upgrade = is_upgrade

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Return that of the request that `connection` will give to the application next."""
        return cls(partial(_answering, connection, connection.served + 1), is_upgrade=True)

    def _connection(self) -> Connection:
        connection = self._find()
        if connection is None:
            raise RuntimeError(
                "gunicorn.socket can be used only while its request is being answered, and where "
                "no upgrade was asked for, only by the thread that answers it"
            )
        return connection

    def _take(self) -> Any:
        connection = self._connection()
        # Taken once, it is there for a thread of the application at the worker's end too.
        return connection.taken or connection.take()

    def _look(self, name: str, *arguments: Any) -> Any:
        """Return what the socket says of itself, whosever it is."""
        connection = self._connection()
        if connection.taken is not None:
            return getattr(connection.taken, name)(*arguments)
        sock = _socket.socket(fileno=connection.fileno())
        try:
            return getattr(sock, name)(*arguments)
        finally:
            sock.detach()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        connection = self._find()
        if connection is not None:
            if connection.taken is not None:
                return getattr(connection.taken, name)
            if connection.tls is not None and name in TLS_LOOKS:
                return getattr(connection.tls, name)
        raise AttributeError(f"gunicorn.socket has no {name!r}")

    # What takes nothing.

    def fileno(self) -> int:
        """Return the descriptor; that of a request that asks for an upgrade is the
        application's."""
        if self._is_upgrade:
            return int(self._take().fileno())
        connection = self._connection()
        return int((connection.taken or connection).fileno())

    def getpeername(self) -> Any:
        """Return the address of whoever is connected."""
        return self._look("getpeername")

    def getsockname(self) -> Any:
        """Return the address of the client."""
        return self._look("getsockname")

    def getsockopt(self, *arguments: Any) -> Any:
        """See socket(2)."""
        return self._look("getsockopt", *arguments)

    def setsockopt(self, *arguments: Any) -> None:
        """See socket(2)."""
        self._look("setsockopt", *arguments)

    def gettimeout(self) -> float | None:
        """None, until the application sets one."""
        taken = self._connection().taken
        return None if taken is None else taken.gettimeout()

    def getblocking(self) -> bool:
        """Return whether there is no timeout of 0."""
        return self.gettimeout() != 0.0

    timeout = property(gettimeout)

    @property
    def family(self) -> Any:
        """The family of its addresses."""
        return self._of_socket("family")

    @property
    def type(self) -> Any:
        """SOCK_STREAM."""
        return self._of_socket("type")

    @property
    def proto(self) -> int:
        """The number of its protocol."""
        return int(self._of_socket("proto"))

    def _of_socket(self, name: str) -> Any:
        with self._connection().dup() as copy:
            return getattr(copy, name)

    # What takes it.

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the bytes of the client.  To peek without waiting takes nothing."""
        if flags == LOOKS:
            connection = self._connection()
            if connection.tls is not None:
                raise ValueError("non-zero flags not allowed in calls to recv() over TLS")
            return bytes(self._look("recv", size, flags))
        return bytes(self._take().recv(size, flags))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer.  Returns the number of bytes."""
        return int(self._take().recv_into(buffer, nbytes, flags))

    def send(self, data: Any, flags: int = 0) -> int:
        """Send some of it."""
        return int(self._take().send(data, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it."""
        self._take().sendall(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file."""
        return int(self._take().sendfile(file, offset, count))

    def makefile(self, *arguments: Any, **more: Any) -> Any:
        """Return a file on the socket."""
        return self._take().makefile(*arguments, **more)

    def setblocking(self, flag: bool) -> None:
        """See socket.socket."""
        self._take().setblocking(flag)

    def settimeout(self, value: float | None) -> None:
        """See socket.socket."""
        self._take().settimeout(value)

    def shutdown(self, how: int) -> None:
        """See shutdown(2)."""
        self._take().shutdown(how)

    def close(self) -> None:
        """End the connection."""
        self._take().close()

    def detach(self) -> int:
        """Return the descriptor, which nobody else will close."""
        return int(self._take().detach())

    def dup(self) -> Any:
        """Return a socket on a copy of the descriptor."""
        return self._take().dup()

    def pending(self) -> int:
        """Return the bytes that have been received and do not show on the descriptor any more."""
        waiting = getattr(self._take(), "pending", None)
        return 0 if waiting is None else waiting()

    def __enter__(self) -> Self:
        self._take()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
