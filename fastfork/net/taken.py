"""Sockets that an application has taken from the server, where a `socket.socket` is not enough.

What the server has received behind the request is no longer in the kernel: `TakenSocket` hands it
out first.  And what a client with TLS sends means nothing without the keys, which are OpenSSL's and
stay in this process: `SealedSocket` speaks through them.

Both are for several threads, as libraries for WebSocket use one: one that waits for what comes,
others that send.  Selectors see the descriptor; `pending()` says what they cannot see.

Runs in: worker
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl
    from typing import Self

    from fastfork._core.conn.tls_stream import TlsStream

__all__ = ["SealedSocket", "TakenSocket", "taken"]

CIPHER_BYTES: Final = 24 << 10  # received at a time
RECORD_BYTES: Final = 16 << 10  # of plain text in one at most (RFC 8446 section 5.1)
# They would pass by what is here, and nobody calls them for a stream.
OTHER_READERS: Final = frozenset({"recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"})


def taken(sock: socket.socket, rest: bytes, sealed: TlsStream | None) -> TakenSocket:
    """Return what the application gets for `sock`.  rest: received, and not yet read by anybody."""
    if sealed is None:
        return TakenSocket(sock, rest)
    return SealedSocket(sock, rest, sealed.tls, sealed.incoming, sealed.outgoing)


def _check(flags: int) -> None:
    if flags:
        raise ValueError("flags are not for a socket with TLS")


class TakenSocket:
    """Hands out `rest` before what comes on `sock`, and is `sock` in everything else."""

    # The standard library's, which needs no more than this and SocketIO does.
    makefile = socket.socket.makefile

    def __init__(self, sock: socket.socket, rest: bytes) -> None:
        self._sock = sock
        self._rest = rest
        self._reading = threading.Lock()
        self._io_refs = 0
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        if name in OTHER_READERS:
            raise AttributeError(f"{name} is not for a socket that was taken: use recv")
        return getattr(self._sock, name)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Do what a socket does."""
        with self._hold(self._reading):
            if not self._rest or size == 0:
                return self._more(size, flags)
            data = self._rest[:size]
            if not flags & socket.MSG_PEEK:
                self._rest = self._rest[size:]
            return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Do what a socket does."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def pending(self) -> int:
        """Return the bytes that recv gives without looking at the descriptor."""
        return len(self._rest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Do what a socket does: files that were made of it keep it open."""
        self._closed = True
        if self._io_refs <= 0:
            self._real_close()

    def _decref_socketios(self) -> None:
        self._io_refs = max(0, self._io_refs - 1)
        if self._closed:
            self.close()

    def _real_close(self) -> None:
        self._sock.close()

    def _more(self, size: int, flags: int) -> bytes:
        return self._sock.recv(size, flags)

    @contextmanager
    def _hold(self, lock: threading.Lock) -> Iterator[None]:
        """Waits for another thread as long as for the client."""
        patience = self._sock.gettimeout()
        if not lock.acquire(timeout=-1 if patience is None else patience):
            if patience == 0.0:
                raise BlockingIOError("another thread uses the socket")
            raise TimeoutError("timed out")
        try:
            yield
        finally:
            lock.release()


class SealedSocket(TakenSocket):
    """The same through TLS.

    A record that is made has to be sent, since they are numbered: `send` counts what it has sealed
    as sent, and what a socket that does not wait has not taken of it goes before all else that is
    sent.  Such a socket raises BlockingIOError when there is nothing to be had, as without TLS.
    """

    def __init__(
        self,
        sock: socket.socket,
        rest: bytes,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        super().__init__(sock, rest)
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._unsent = b""
        self._has_ended = False
        self._keys = threading.Lock()  # OpenSSL's object is for one thread at a time
        self._writing = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        # What it knows of the client is there as on an SSLSocket.
        found = getattr(self._tls, name, None)
        return super().__getattr__(name) if found is None else found

    def pending(self) -> int:
        """See TakenSocket."""
        return len(self._rest) + self._tls.pending()

    def _more(self, size: int, flags: int) -> bytes:
        _check(flags)
        while True:
            data = self._open(size)
            self._answer()
            if data is not None:
                return data
            piece = self._sock.recv(CIPHER_BYTES)
            with self._keys:
                if piece:
                    self._incoming.write(piece)
                else:
                    self._incoming.write_eof()

    def _open(self, size: int) -> bytes | None:
        """Return what the client has said, None while no record of it is whole."""
        if size == 0:
            return b""
        import ssl  # here: it is loaded, or there were no keys

        with self._keys:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError:
                if self._has_ended:
                    return b""  # we have said that it is over
                raise

    def send(self, data: Any, flags: int = 0) -> int:
        """Do what a socket does: how much of `data` was sent."""
        _check(flags)
        view = memoryview(data).cast("B")[:RECORD_BYTES]
        with self._hold(self._writing):
            self._drain()
            if not view:
                return 0
            with self._keys:
                count = self._tls.write(view)
            try:
                self._drain()
            except (BlockingIOError, TimeoutError):
                pass  # it is sealed, and goes first next time
            return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Do what a socket does."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view, flags) :]
        with self._hold(self._writing):
            self._drain()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Do what a socket does, whose `sendfile` does without the system call for TLS."""
        total = 0
        if offset:
            file.seek(offset)
        while block := file.read(RECORD_BYTES if count is None else min(RECORD_BYTES, count)):
            self.sendall(block)
            total += len(block)
            if count is not None:
                count -= len(block)
        return total

    def shutdown(self, how: int) -> None:
        """Do what a socket does, and the client is told through TLS first."""
        if how != socket.SHUT_RD:
            with self._hold(self._writing):
                self._say_goodbye()
                self._drain()
        self._sock.shutdown(how)

    def detach(self) -> int:
        """Raise RuntimeError: that cannot be had."""
        raise RuntimeError("what is on the descriptor of a connection with TLS is encrypted")

    def dup(self) -> SealedSocket:
        """Raise UnsupportedOperation: that cannot be had."""
        raise io.UnsupportedOperation("a connection with TLS cannot be copied")

    def _real_close(self) -> None:
        """Tells the client without waiting for it."""
        if self._sock.fileno() >= 0 and self._writing.acquire(blocking=False):
            try:
                self._sock.settimeout(0.0)
                self._say_goodbye()
                self._drain()
            except OSError:
                pass  # it has left, or does not read
            finally:
                self._writing.release()
        super()._real_close()

    def _say_goodbye(self) -> None:
        with self._keys:
            if self._has_ended:
                return
            self._has_ended = True
            try:
                self._tls.unwrap()
            except OSError:
                pass  # it wants to wait for the client's own, and we do not

    def _answer(self) -> None:
        """Send what TLS itself has to say, unless somebody is sending, who does it then."""
        if self._outgoing.pending and self._writing.acquire(blocking=False):
            try:
                self._drain()
            except (BlockingIOError, TimeoutError):
                pass
            finally:
                self._writing.release()

    def _drain(self) -> None:
        """Send all that is sealed.  Raises what the socket raises."""
        while True:
            with self._keys:
                self._unsent += self._outgoing.read()
            if not self._unsent:
                return
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
