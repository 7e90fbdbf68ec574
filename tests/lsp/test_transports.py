"""Framing, the message loop, and transport over files such as standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
from io import FileIO
from typing import Any

import pytest

from fillmask_ls.lsp.transport.framing import MAX_MESSAGE_BYTES, read_message
from fillmask_ls.lsp.transport.message_loop import MAX_UNREAD_BYTES, UnreadBytes, run_message_loop
from fillmask_ls.lsp.transport.stdio import serve_files
from lsp.small_server import EXIT, HOVER, INITIALIZE_REQUEST, SHUTDOWN, SmallServer, framed

LARGE = "x" * (MAX_UNREAD_BYTES + 1)


# Framing


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length:2\r\n\r\n",
        b"CONTENT-LENGTH: \t2\r\nX: y\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\n\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: x\r\nrest of a bodyContent-Length: 2\r\n\r\n",
    ],
)
async def test_headers_in_any_form_are_parsed(header: bytes) -> None:
    assert await read_message(stream(header + b"{}")) == b"{}"


@pytest.mark.parametrize(
    "data", [b"", b"Content-Le", b"Content-Length: 10\r\n", b"Content-Length: 10\r\n\r\n{", b"\r\n\r\n"]
)
async def test_stream_that_ends_inside_a_message_has_no_more_messages(data: bytes) -> None:
    assert await read_message(stream(data)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 200_000,
        b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_BYTES + 1),
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_http_and_oversized_messages_are_errors(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"limit|too large|HTTP"):
        await read_message(stream(data))


# The message loop


async def test_nothing_is_read_while_the_client_does_not_read() -> None:
    server = SmallServer()
    server.protocol.set_writer(Discard())
    unread = UnreadBytes()
    reads = 0

    async def read() -> bytes | None:
        nonlocal reads
        reads += 1
        unread.add(MAX_UNREAD_BYTES)  # after the second time, more than the limit
        return json.dumps(INITIALIZE_REQUEST).encode() if reads < 4 else None

    loop = asyncio.ensure_future(run_message_loop(server.protocol, read, unread.wait_below_limit))
    for _ in range(20):
        await asyncio.sleep(0)
    assert reads == 2
    unread.add(-MAX_UNREAD_BYTES)
    for _ in range(20):
        await asyncio.sleep(0)
    assert reads == 3
    unread.release()
    assert await loop == 1
    assert reads == 4


class Discard:
    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


# Files


class Pipes:
    """A client of :func:`serve_files` in the same process, with blocking reads in a thread."""

    def __init__(self, blocking: bool = True) -> None:
        self.server = SmallServer()
        server_in, client_out = os.pipe()
        client_in, server_out = os.pipe()
        os.set_blocking(server_in, blocking)
        os.set_blocking(server_out, blocking)
        self.write, self.read = FileIO(client_out, "wb"), os.fdopen(client_in, "rb")
        self.serving = asyncio.ensure_future(
            serve_files(self.server.protocol, FileIO(server_in, "rb"), FileIO(server_out, "wb"))
        )

    async def send(self, data: bytes) -> None:
        def write() -> None:
            rest = data
            while rest:
                rest = rest[self.write.write(rest) :]

        await asyncio.to_thread(write)

    async def receive(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._receive)

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self.read.readline().strip():
            if line.startswith(b"Content-Length"):
                length = int(line.split()[1])
        return json.loads(self.read.read(length))  # type: ignore[no-any-return]


@pytest.mark.skipif(os.name != "posix", reason="pipes in non-blocking mode")
@pytest.mark.parametrize("blocking", [True, False])
async def test_session_over_pipes(blocking: bool) -> None:
    """With non-blocking pipes, an empty pipe isn't the end of input, and a full pipe isn't an error."""
    pipes = Pipes(blocking)
    pipes.server.hover_text = LARGE  # more than a pipe holds
    data = framed(INITIALIZE_REQUEST, HOVER)
    for half in (data[:70], data[70:]):
        await pipes.send(half)
    assert "capabilities" in (await pipes.receive())["result"]
    assert (await pipes.receive())["result"]["contents"] == LARGE
    await pipes.send(framed(SHUTDOWN))
    assert (await pipes.receive())["result"] is None
    await pipes.send(framed(EXIT))
    assert await pipes.serving == 0


@pytest.mark.parametrize("part", [b"", b"Content-Le", b"Content-Length: 10\r\n\r\n{"])
async def test_end_of_input_ends_the_server(part: bytes) -> None:
    pipes = Pipes()
    await pipes.send(framed(INITIALIZE_REQUEST) + part)
    await pipes.receive()
    pipes.write.close()
    assert await pipes.serving == 1


async def test_client_that_never_reads_cannot_keep_the_server_from_exiting() -> None:
    pipes = Pipes()
    pipes.server.hover_text = LARGE
    await pipes.send(framed(INITIALIZE_REQUEST, HOVER, SHUTDOWN, EXIT))
    pipes.write.close()
    pipes.read.close()
    assert await pipes.serving in (0, 1)
