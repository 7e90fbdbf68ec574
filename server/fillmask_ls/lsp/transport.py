"""Bytes in, bytes out: stdio, TCP and WebSocket. One client a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

from .protocol import Protocol

logger = logging.getLogger(__name__)

# Anywhere in the line: behind a body of the wrong length, the next header begins in the middle of one.
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)[ \t]*\r?\n$", re.IGNORECASE)

_LONGEST_MESSAGE = 1 << 30
_SECONDS_TO_READ = 2
"""How long a client that leaves may take to read what is left for it."""


async def serve_stdio(protocol: Protocol) -> int:
    """Speak over standard input and output until the client leaves; returns the exit code.

    Both are read and written by threads of their own, so that a client that doesn't read its end can't hold up the
    loop. Whatever else in this process prints to standard output is led to standard error.
    """
    stdin, stdout = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    reader = asyncio.StreamReader()
    _pump(stdin, reader)
    writer = _StdoutWriter(stdout)
    protocol.set_writer(writer)
    code = await _converse(protocol, reader)
    writer.close()
    return code


async def serve_tcp(protocol: Protocol, host: str, port: int) -> int:
    """Listen, take one client, serve it until it leaves; returns the exit code."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.close()
        if protocol.writer is not None:
            writer.close()
            return
        protocol.set_writer(writer)
        try:
            await _converse(protocol, reader)
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                await asyncio.wait_for(writer.drain(), _SECONDS_TO_READ)
            writer.close()
        finally:
            done.set_result(_exit_code(protocol))

    listener = await asyncio.start_server(connected, host, port)
    _announce("tcp", listener.sockets[0].getsockname())
    return await done


async def serve_websocket(protocol: Protocol, host: str, port: int) -> int:
    """As :func:`serve_tcp`, a message a frame. Pages in a browser, which send an origin, are refused."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(connection: ServerConnection) -> None:
        if protocol.writer is not None:
            await connection.close(1013, "this server has its client")
            return
        writer = _WebSocketWriter(connection)
        protocol.set_writer(writer, include_headers=False)
        try:
            async for message in connection:
                protocol.receive(message if isinstance(message, bytes) else message.encode())
                await asyncio.sleep(0)
                if protocol.exit_code is not None:
                    break
            await writer.flushed()
        except ConnectionClosed:  # without a closing handshake
            pass
        finally:
            done.set_result(_exit_code(protocol))

    async with serve(connected, host, port, origins=[None], max_size=_LONGEST_MESSAGE) as listener:
        _announce("ws", next(iter(listener.sockets)).getsockname())
        return await done


async def _converse(protocol: Protocol, reader: asyncio.StreamReader) -> int:
    try:
        while protocol.exit_code is None:
            body = await _read_message(reader)
            if body is None:
                break
            protocol.receive(body)
            # A handler takes its snapshot of the document in its first step: before the next message changes it.
            await asyncio.sleep(0)
    except (ConnectionError, ValueError) as error:
        logger.error("the connection is lost: %s", error)
    return _exit_code(protocol)


async def _read_message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message's body; None at the end of the stream.

    Raises:
        ValueError: a header line without end, or a message without measure.
    """
    length = None
    while True:
        header = await reader.readline()
        if not header:
            return None
        found = _LENGTH.search(header)
        if found:
            length = int(found[1])
        elif not header.strip() and length is not None:
            break
    if length > _LONGEST_MESSAGE:
        raise ValueError(f"a message of {length} bytes")
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


def _exit_code(protocol: Protocol) -> int:
    if protocol.exit_code is not None:
        return protocol.exit_code
    return 0 if protocol.is_shut_down else 1


def _announce(scheme: str, address: tuple[str, int]) -> None:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    print(f"listening on {scheme}://{host}:{address[1]}", file=sys.stderr, flush=True)


def _pump(stdin: BinaryIO, reader: asyncio.StreamReader) -> None:
    """Feed ``reader`` from ``stdin`` by a thread."""
    loop = asyncio.get_running_loop()

    def run() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody reads any more
            try:
                while chunk := stdin.read(1 << 16):
                    loop.call_soon_threadsafe(reader.feed_data, chunk)
            except OSError as error:
                logger.error("standard input is lost: %s", error)
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=run, name="fillmask-stdin", daemon=True).start()


class _StdoutWriter:
    """pygls' writer over standard output, with a thread that waits for the client to read."""

    def __init__(self, stdout: BinaryIO) -> None:
        self._stdout = stdout
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fillmask-stdout", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._queue.put(data)

    def close(self) -> None:
        """Wait, two seconds at most, until the client has read everything."""
        self._queue.put(None)
        self._thread.join(_SECONDS_TO_READ)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[self._stdout.write(rest) :]
            except OSError:  # the client is gone; the end of standard input says so too
                return


class _WebSocketWriter:
    """pygls' writer over a WebSocket: frames leave in the order of the calls."""

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._task = asyncio.ensure_future(self._run())

    def write(self, data: bytes) -> None:
        self._queue.put_nowait(data)

    def close(self) -> None:
        self._task.cancel()

    async def flushed(self) -> None:
        """Wait, two seconds at most, until every frame has left."""
        await asyncio.wait(
            {asyncio.ensure_future(self._queue.join()), self._task},
            timeout=_SECONDS_TO_READ,
            return_when="FIRST_COMPLETED",
        )

    async def _run(self) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                data = await self._queue.get()
                await self._connection.send(data, text=True)  # type: ignore[attr-defined]
                self._queue.task_done()
        except ConnectionClosed:
            return
