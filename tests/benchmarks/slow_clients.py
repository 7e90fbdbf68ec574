"""Clients that never finish a request: half send a header and half a body, one byte per second, from many addresses.

    python tests/benchmarks/slow_clients.py URL NUMBER

Without a server at ``URL`` (an empty one), the same bytes go to sockets of this process that nobody reads: the load of the
clients alone. Prints a line once all are connected.
"""

from __future__ import annotations

import socket
import sys
import time
from urllib.parse import urlsplit

_HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
_BODY = b"Content-Length: 500\r\n\r\n"
_LAPS = 6
"""Seconds from one connection of a client to its next, if the server closes it after five."""


class _UnreadPort:
    """A port of this process that accepts connections, reads nothing, and closes them as the server does."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address: tuple[str, int] = self._socket.getsockname()
        self._accepted: list[tuple[float, socket.socket]] = []

    def accept(self) -> None:
        self._accepted.append((time.monotonic(), self._socket.accept()[0]))
        while self._accepted[0][0] < time.monotonic() - _LAPS + 1:
            self._accepted.pop(0)[1].close()


def run(url: str, number: int) -> None:
    """Send bytes until this process is killed."""
    parts = urlsplit(url)
    unread = None if url else _UnreadPort()
    address = unread.address if unread else (str(parts.hostname), int(parts.port or 80))
    connections: dict[int, socket.socket] = {}
    start = time.monotonic()
    step = 0
    while True:
        lap, client = divmod(step, number)
        try:
            if client in connections:
                connections[client].send(b"X" if client % 2 else b" ")
            elif client % _LAPS == lap % _LAPS:
                connections[client] = socket.create_connection(
                    address, source_address=(f"127.0.{1 + client % 100}.1", 0)
                )
                if unread:
                    unread.accept()
                connections[client].send(_HEAD if client % 2 else _HEAD + _BODY)
                connections[client].setblocking(False)
        except OSError:  # closed by the server
            if client in connections:
                connections.pop(client).close()
        if step == 2 * _LAPS * number:
            print(flush=True)
        step += 1
        time.sleep(max(0, start + step / number - time.monotonic()))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
