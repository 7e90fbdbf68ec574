"""Bytes in, bytes out: stdio, TCP and WebSocket. One client a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, BinaryIO

from .protocol import Protocol

logger = logging.getLogger(__name__)

# Anywhere in the line: behind a body of the wrong length, the next header begins in the middle of one.
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)[ \t]*\r?\n$", re.IGNORECASE)

_HTTP = re.compile(rb"^[A-Z]+ [^ ]* HTTP/[0-9.]+\r?\n$")
"""What any page can have a browser send to a port of this machine, with a body that it chooses."""

_LONGEST_MESSAGE = 1 << 28
_MOST_UNREAD = 1 << 24
"""Bytes that a client may leave unread before nothing more is taken from it."""
_CHUNKS_AHEAD = 64
"""Of 64 KB, that are read before the loop asks for them."""
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
    reader.set_transport(_Pump(stdin, reader))
    writer = _StdoutWriter(stdout)
    protocol.set_writer(writer)
    code = await _converse(protocol, reader, writer.drain)
    writer.close()
    return code


async def serve_tcp(protocol: Protocol, host: str, port: int) -> int:
    """Listen, take one client, serve it until it leaves; returns the exit code.

    Who connects and sends no message, as a page or a search for open ports does, is no client: we go on listening.
    """
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await _first_message(reader)
        if first is None or protocol.writer is not None:
            writer.close()
            return
        listener.close()
        writer.transport.set_write_buffer_limits(_MOST_UNREAD)
        protocol.set_writer(writer)
        try:
            protocol.receive(first)
            await asyncio.sleep(0)
            await _converse(protocol, reader, writer.drain)
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
        try:
            message = await connection.recv()
        except ConnectionClosed:
            return
        if protocol.writer is not None:
            return
        writer = _WebSocketWriter(connection)
        protocol.set_writer(writer, include_headers=False)
        try:
            while True:
                protocol.receive(message if isinstance(message, bytes) else message.encode())
                await asyncio.sleep(0)
                await writer.drain()
                if protocol.exit_code is not None:
                    break
                message = await connection.recv()
            await protocol.settle()
            await writer.flushed()
        except ConnectionClosed:
            pass
        finally:
            done.set_result(_exit_code(protocol))

    async with serve(connected, host, port, origins=[None], max_size=_LONGEST_MESSAGE) as listener:
        _announce("ws", next(iter(listener.sockets)).getsockname())
        return await done


async def _converse(
    protocol: Protocol, reader: asyncio.StreamReader, drain: Callable[[], Coroutine[Any, Any, None]]
) -> int:
    """Take message after message; none while the client leaves too much unread, which ``drain`` waits for."""
    try:
        while protocol.exit_code is None:
            await drain()
            body = await _read_message(reader)
            if body is None:
                break
            protocol.receive(body)
            # A handler takes its snapshot of the document in its first step: before the next message changes it.
            await asyncio.sleep(0)
        await protocol.settle()
    except (ConnectionError, ValueError) as error:
        logger.error("the connection is lost: %s", error)
    return _exit_code(protocol)


async def _first_message(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the message that makes a client of whoever connects; None if there comes none."""
    try:
        return await _read_message(reader)
    except (ConnectionError, ValueError) as error:
        logger.error("who connected was no client: %s", error)
        return None


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
        if _HTTP.search(header):
            raise ValueError("this is no HTTP server: a page in a browser may have asked")
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


class _Pump(asyncio.ReadTransport):
    """Feeds a reader from a file by a thread, as much as is asked for and no more: the rest stays with the client."""

    def __init__(self, file: BinaryIO, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._file, self._reader = file, reader
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._kept = 0
        self._room = threading.Semaphore(_CHUNKS_AHEAD)
        threading.Thread(target=self._run, name="fillmask-stdin", daemon=True).start()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._kept:
            self._room.release(self._kept)
            self._kept = 0

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody reads any more
            try:
                while chunk := self._file.read(1 << 16):
                    self._room.acquire()
                    self._loop.call_soon_threadsafe(self._feed, chunk)
            except OSError as error:
                logger.error("standard input is lost: %s", error)
            self._loop.call_soon_threadsafe(self._reader.feed_eof)

    def _feed(self, chunk: bytes) -> None:
        self._reader.feed_data(chunk)  # which pauses us when that was enough
        if self._paused:
            self._kept += 1
        else:
            self._room.release()


class _Unread:
    """How many bytes a client has left unread."""

    def __init__(self) -> None:
        self._bytes = 0
        self._few = asyncio.Event()
        self._few.set()

    def add(self, bytes_: int) -> None:
        self._bytes += bytes_
        if self._bytes > _MOST_UNREAD:
            self._few.clear()
        else:
            self._few.set()

    async def few(self) -> None:
        """Wait until they are no more than :data:`_MOST_UNREAD`."""
        await self._few.wait()


class _StdoutWriter:
    """pygls' writer over standard output, with a thread that waits for the client to read."""

    def __init__(self, stdout: BinaryIO) -> None:
        self._stdout = stdout
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._unread = _Unread()
        self._thread = threading.Thread(target=self._run, name="fillmask-stdout", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._queue.put(data)
        self._unread.add(len(data))

    async def drain(self) -> None:
        """Wait while the client leaves too much unread."""
        await self._unread.few()

    def close(self) -> None:
        """Wait, two seconds at most, until the client has read everything."""
        self._queue.put(None)
        self._thread.join(_SECONDS_TO_READ)

    def _run(self) -> None:
        gone = False
        with contextlib.suppress(RuntimeError):  # the loop has ended
            while (data := self._queue.get()) is not None:
                rest = memoryview(data)
                try:
                    while rest and not gone:
                        rest = rest[self._stdout.write(rest) :]
                except OSError:  # the client is gone; the end of standard input says so too
                    gone = True
                self._loop.call_soon_threadsafe(self._unread.add, -len(data))


class _WebSocketWriter:
    """pygls' writer over a WebSocket: frames leave in the order of the calls."""

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._unread = _Unread()
        self._task = asyncio.ensure_future(self._run())

    def write(self, data: bytes) -> None:
        self._queue.put_nowait(data)
        self._unread.add(len(data))

    async def drain(self) -> None:
        """Wait while the client leaves too much unread."""
        await self._unread.few()

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
                self._unread.add(-len(data))
        except ConnectionClosed:
            self._unread = _Unread()
