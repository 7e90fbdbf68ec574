"""Raw HTTP over a real socket: a server in this process, and a client that sends any bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fillmask_ls.engine.serving.connections import ConnectionLimits
from fillmask_ls.engine.serving.http_server import bind, serve
from fillmask_ls.engine.serving.reply import App

TIMEOUT = 60.0
"""Seconds to wait for an answer: far more than any takes on a busy machine."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def response(self) -> Response:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), TIMEOUT)
        status, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "content-length" in headers:
            body = await asyncio.wait_for(self.reader.readexactly(int(headers["content-length"])), TIMEOUT)
        else:
            body = await asyncio.wait_for(self.reader.read(), TIMEOUT)
        return Response(int(status.split()[1]), headers, body)

    async def wait_until_closed(self) -> bytes:
        """Return what the server still sends before it closes the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), TIMEOUT)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.close()


@dataclass(frozen=True)
class Peer:
    """A client of the server at an address."""

    host: str
    port: int

    async def connect(self, source: str | None = None) -> Connection:
        address = (source, 0) if source else None
        return Connection(*await asyncio.open_connection(self.host, self.port, local_addr=address))

    async def exchange(self, data: bytes) -> Response:
        """Send some bytes on a connection of their own and return the first response."""
        connection = await self.connect()
        try:
            await connection.send(data)
            return await connection.response()
        finally:
            connection.close()

    async def post(self, path: str, value: Any, *lines: str) -> Response:
        return await self.exchange(post(path, value, *lines))

    async def get(self, path: str, *lines: str) -> Response:
        return await self.exchange(head(f"GET {path} HTTP/1.1", *lines))


def head(request: str, *lines: str, host: str | None = "localhost") -> bytes:
    """Return the head of a request."""
    hosts = [f"Host: {host}"] if host is not None else []
    return "\r\n".join([request, *hosts, *lines, "", ""]).encode("latin-1")


def post(path: str, value: Any, *lines: str, host: str | None = "localhost", version: str = "1.1") -> bytes:
    """Return a POST whose body is some bytes, or a value as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return head(f"POST {path} HTTP/{version}", f"Content-Length: {len(body)}", *lines, host=host) + body


@asynccontextmanager
async def serving(app: App, limits: ConnectionLimits | None = None) -> AsyncIterator[Peer]:
    """Serve an application in this event loop at a free port."""
    bound, stopped, ready = bind("127.0.0.1", 0), asyncio.Event(), asyncio.Event()
    server = asyncio.ensure_future(serve(app, bound, stopped, ready.set, limits))
    await asyncio.wait([server, asyncio.ensure_future(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield Peer(*bound.getsockname())
    finally:
        stopped.set()
        await server
