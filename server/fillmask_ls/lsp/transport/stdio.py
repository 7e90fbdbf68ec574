"""Standard input and output, each served by a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from functools import partial
from io import FileIO, RawIOBase
from queue import SimpleQueue

from fillmask_ls.lsp import blocking_io
from fillmask_ls.lsp.protocol import Protocol

from .framing import read_message
from .message_loop import FLUSH_TIMEOUT, UnreadBytes, run_message_loop

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_MAX_CHUNKS_AHEAD = 64
"""Chunks that are read before the event loop needs them."""


async def serve_stdio(protocol: Protocol) -> int:
    """Serve the client at standard input and output until it leaves.

    Anything else in this process that prints to standard output is redirected to standard error.

    Returns:
        The exit code of the process.
    """
    stdin, stdout = FileIO(os.dup(0), "rb"), FileIO(os.dup(1), "wb")
    os.dup2(2, 1)
    return await serve_files(protocol, stdin, stdout)


async def serve_files(protocol: Protocol, stdin: RawIOBase, stdout: RawIOBase) -> int:
    """Serve the client at two unbuffered files, such as the ends of pipes, until it leaves.

    Threads read and write, so that a client that doesn't read can't block the event loop.

    Returns:
        The exit code of the process.
    """
    reader = asyncio.StreamReader()
    reader.set_transport(_ReaderThread(stdin, reader))
    writer = _WriterThread(stdout)
    protocol.set_writer(writer)
    code = await run_message_loop(protocol, partial(read_message, reader), writer.drain)
    await writer.flush()
    return code


class _ReaderThread(asyncio.ReadTransport):
    """Feeds a stream reader from a file, only as much as is needed: the rest stays with the client."""

    def __init__(self, file: RawIOBase, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._file, self._reader = file, reader
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._chunks_while_paused = 0
        self._chunks_ahead = threading.Semaphore(_MAX_CHUNKS_AHEAD)
        threading.Thread(target=self._run, name="fillmask-stdin", daemon=True).start()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._chunks_while_paused:
            self._chunks_ahead.release(self._chunks_while_paused)
            self._chunks_while_paused = 0

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed
            try:
                while chunk := blocking_io.read(self._file, _CHUNK_BYTES):
                    self._chunks_ahead.acquire()
                    self._loop.call_soon_threadsafe(self._feed, chunk)
            except OSError as error:
                logger.error("standard input is lost: %s", error)
            self._loop.call_soon_threadsafe(self._reader.feed_eof)

    def _feed(self, chunk: bytes) -> None:
        self._reader.feed_data(chunk)  # the reader pauses this transport when it has enough
        if self._paused:
            self._chunks_while_paused += 1
        else:
            self._chunks_ahead.release()


class _WriterThread:
    """pygls' writer over a file."""

    def __init__(self, file: RawIOBase) -> None:
        self._file = file
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._unread = UnreadBytes()
        self._client_is_gone = False
        self._finished = asyncio.Event()
        threading.Thread(target=self._run, name="fillmask-stdout", daemon=True).start()

    def write(self, data: bytes) -> None:
        if not self._client_is_gone:
            self._queue.put(data)
            self._unread.add(len(data))

    async def drain(self) -> None:
        """Wait while the client leaves too much unread."""
        await self._unread.wait_below_limit()

    def close(self) -> None:
        """Stop the thread once everything is written."""
        self._queue.put(None)

    async def flush(self) -> None:
        """Close; wait up to :data:`.FLUSH_TIMEOUT` seconds until the client has read everything."""
        self.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._finished.wait(), FLUSH_TIMEOUT)

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed
            try:
                while (data := self._queue.get()) is not None:
                    blocking_io.write(self._file, data)
                    self._loop.call_soon_threadsafe(self._unread.add, -len(data))
            except OSError:  # the client is gone; the end of standard input tells the message loop
                self._client_is_gone = True
                self._loop.call_soon_threadsafe(self._unread.release)
            self._loop.call_soon_threadsafe(self._finished.set)
