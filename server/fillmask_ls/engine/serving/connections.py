"""Limits of the connections to the shared engine: how many, and how long each may keep the server waiting.

uvicorn limits the length of a request's head and the time that an open connection is idle after a response. It has no
deadline for a head, no limit for each peer, and waits forever for a client that doesn't read its response.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of connections.

    Attributes:
        total: the most connections.
        per_address: the most connections of one address.
        header_timeout: seconds from the connection, or from the first byte of a later request, until its headers are
            complete.
        write_timeout: seconds that a client may leave a response unread.
    """

    total: int = 1000
    per_address: int = 500
    header_timeout: float = 5.0
    write_timeout: float = 30.0


@dataclass(eq=False, slots=True)
class Connections:
    """All open connections of a server.

    At a limit, the connection that has been idle longest is closed. A client that opens connections without sending
    anything closes its own, and other clients still connect.
    """

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    _idle: OrderedDict[GuardedConnection, None] = field(default_factory=OrderedDict)
    _open: dict[str, set[GuardedConnection]] = field(default_factory=dict)

    def protocol(self, protocol: Callable[..., asyncio.Protocol]) -> Callable[..., asyncio.Protocol]:
        """Return a factory that guards each connection of a protocol of uvicorn's."""

        def make(*args: Any, app_state: dict[str, Any], **kwargs: Any) -> asyncio.Protocol:
            connection = GuardedConnection(self)
            state = {**app_state, "connection": connection}
            connection.inner = protocol(*args, app_state=state, **kwargs)
            return connection

        return make

    def add(self, connection: GuardedConnection) -> bool:
        """Add a new connection; return False if there is no room for it."""
        limits, peers = self.limits, self._open.setdefault(connection.peer, set())
        room = len(peers) < limits.per_address or self._evict(connection.peer)
        room = room and (sum(map(len, self._open.values())) < limits.total or self._evict(None))
        if room:
            peers.add(connection)
            self._idle[connection] = None
        elif not peers:
            del self._open[connection.peer]
        return room

    def remove(self, connection: GuardedConnection) -> None:
        """Forget a closed connection."""
        self._idle.pop(connection, None)
        peers = self._open.get(connection.peer, set())
        peers.discard(connection)
        if not peers:
            self._open.pop(connection.peer, None)

    def set_idle(self, connection: GuardedConnection, is_idle: bool) -> None:
        """Note that a connection waits for a request, or no longer does."""
        self._idle.pop(connection, None)
        if is_idle and connection in self._open.get(connection.peer, ()):
            self._idle[connection] = None

    def _evict(self, peer: str | None) -> bool:
        """Close the connection that has waited longest for a request, of one peer or of all."""
        for connection in self._idle:
            if peer is None or connection.peer == peer:
                self.remove(connection)
                connection.abort()
                return True
        return False


class GuardedConnection(asyncio.Protocol):
    """A protocol of uvicorn's with deadlines.

    The application finds it in the request's state and tells it when a request begins and ends.
    """

    inner: asyncio.Protocol

    def __init__(self, connections: Connections) -> None:
        self.peer = ""
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        if self._connections.add(self):
            self._arm("head", self._connections.limits.header_timeout)
            self.inner.connection_made(transport)
        else:
            self._transport.abort()
            self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            if not self._is_busy:
                self._arm("head", self._connections.limits.header_timeout)
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm("head")
        self._disarm("write")
        self._connections.remove(self)
        if self._transport is not None:
            self._transport = None
            self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._arm("write", self._connections.limits.write_timeout)
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self._disarm("write")
        self.inner.resume_writing()

    def begin_request(self) -> None:
        """Note that the headers of a request have arrived."""
        self._is_busy = True
        self._disarm("head")
        self._connections.set_idle(self, False)

    def end_request(self) -> None:
        """Note that the request is answered."""
        self._is_busy = False
        self._connections.set_idle(self, True)

    def abort(self) -> None:
        """Close the connection without sending what is left."""
        if self._transport is not None:
            self._transport.abort()

    def _arm(self, name: str, seconds: float) -> None:
        """Set a deadline unless it is set."""
        if name not in self._deadlines:
            self._deadlines[name] = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _disarm(self, name: str) -> None:
        if name in self._deadlines:
            self._deadlines.pop(name).cancel()
