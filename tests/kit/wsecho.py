"""A WebSocket server that sends each message back: the codec on blocking sockets, a thread for each
connection, and nothing else of the server.  `python -m tests.kit.wsecho [PORT]` serves until it is
killed.

Runs in: cli
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import Final, Self

from fastfork._core.http.websocket import WebSocketCodec
from fastfork._core.http.wsdeflate import negotiate
from fastfork._core.http.wshandshake import accept_key, check_handshake

SWITCHING: Final = 101
MAX_MESSAGE: Final = 64 << 20  # bytes: the largest of Autobahn's cases has 16 MiB
PATIENCE: Final = 60.0  # seconds for a client to send something


class WebSocketEcho:
    """Serves as long as it is entered.  takeover: see negotiate()."""

    def __init__(self, port: int = 0, *, takeover: bool = True) -> None:
        self.takeover = takeover
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with connection:
            try:
                codec, rest = self._shake(connection)
                echo(connection, codec, rest)
            except OSError:
                return  # the client is gone

    def _shake(self, connection: socket.socket) -> tuple[WebSocketCodec, bytes]:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += receive(connection)
        head, _, rest = raw.partition(b"\r\n\r\n")
        fields: dict[str, str] = {}
        for line in head.decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            key = name.lower()
            fields[key] = f"{fields[key]},{value.strip()}" if key in fields else value.strip()
        status = check_handshake(
            head.startswith(b"GET "),
            1,
            fields.get("upgrade"),
            fields.get("connection"),
            fields.get("sec-websocket-version"),
            fields.get("sec-websocket-key"),
        )
        if status != SWITCHING:
            connection.sendall(f"HTTP/1.1 {status or 404} No\r\nContent-Length: 0\r\n\r\n".encode())
            raise ConnectionAbortedError("no WebSocket")
        agreed = negotiate(fields.get("sec-websocket-extensions", ""), takeover=self.takeover)
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(fields["sec-websocket-key"]) + b"\r\n"
        )
        if agreed is not None:
            answer += f"Sec-WebSocket-Extensions: {agreed[0]}\r\n".encode()
        connection.sendall(answer + b"\r\n")
        parameters = None if agreed is None else agreed[1]
        return WebSocketCodec(max_message=MAX_MESSAGE, deflate=parameters), rest


def receive(connection: socket.socket) -> bytes:
    """What has come.  Raises ConnectionError at the end."""
    data = connection.recv(64 << 10)
    if not data:
        raise ConnectionResetError("the client has ended the connection")
    return data


def echo(connection: socket.socket, codec: WebSocketCodec, data: bytes) -> None:
    """Until the closing handshake is complete."""
    while True:
        codec.receive_bytes(data)
        out = []
        while True:
            out.append(codec.take_reply())
            if (message := codec.take()) is None:
                break
            out.append(codec.frame(message))
            codec.go_on()
        out.append(codec.take_close())
        connection.sendall(b"".join(filter(None, out)))
        if codec.is_done:
            connection.shutdown(socket.SHUT_WR)
            return
        data = receive(connection)


if __name__ == "__main__":
    echoing = WebSocketEcho(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"ws://127.0.0.1:{echoing.port}/", flush=True)
    echoing.serve()
