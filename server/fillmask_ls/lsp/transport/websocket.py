"""WebSocket: as TCP, with one message per frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from fillmask_ls.lsp.protocol import Protocol

from .framing import MAX_MESSAGE_BYTES
from .message_loop import FLUSH_TIMEOUT, UnreadBytes, run_message_loop
from .sockets import print_address, url


async def serve_websocket(
    protocol: Protocol, host: str, port: int, *, on_listening: Callable[[str], None] = print_address
) -> int:
    """As :func:`.sockets.serve_tcp`, with one message per frame. Web pages, which send an origin, are refused."""
    exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(connection: ServerConnection) -> None:
        if protocol.writer is not None:
            await connection.close(1013, "this server already has a client")
            return
        first = await _receive(connection)
        if first is None or protocol.writer is not None:
            return
        writer = _WebSocketWriter(connection)
        protocol.set_writer(writer, include_headers=False)
        code = 1
        try:
            code = await run_message_loop(protocol, partial(_receive, connection), writer.drain, first=first)
            await writer.flush()
        finally:
            exit_code.set_result(code)

    async with serve(connected, host, port, origins=[None], max_size=MAX_MESSAGE_BYTES) as listener:
        on_listening(url("ws", next(iter(listener.sockets)).getsockname()))
        return await exit_code


async def _receive(connection: ServerConnection) -> bytes | None:
    try:
        message = await connection.recv()
    except ConnectionClosed:
        return None
    return message if isinstance(message, bytes) else message.encode()


class _WebSocketWriter:
    """pygls' writer over a WebSocket: frames are sent in the order of the calls."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._unread = UnreadBytes()
        self._task = asyncio.ensure_future(self._run())

    def write(self, data: bytes) -> None:
        self._queue.put_nowait(data)
        self._unread.add(len(data))

    async def drain(self) -> None:
        """Wait while the client leaves too much unread."""
        await self._unread.wait_below_limit()

    def close(self) -> None:
        """Stop sending."""
        self._task.cancel()

    async def flush(self) -> None:
        """Wait up to :data:`.FLUSH_TIMEOUT` seconds until every frame is sent, then close."""
        flushed = asyncio.ensure_future(self._queue.join())
        await asyncio.wait({flushed, self._task}, timeout=FLUSH_TIMEOUT, return_when="FIRST_COMPLETED")
        flushed.cancel()
        self.close()

    async def _run(self) -> None:
        try:
            while True:
                data = await self._queue.get()
                await self._connection.send(data, text=True)
                self._queue.task_done()
                self._unread.add(-len(data))
        except ConnectionClosed:  # the message loop learns it from its own read
            self._unread.release()
