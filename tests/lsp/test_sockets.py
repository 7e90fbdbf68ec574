"""TCP and WebSocket: one client a process, and how the server ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fillmask_ls.cli import main
from fillmask_ls.lsp.transport.framing import read_message
from fillmask_ls.lsp.transport.message_loop import MAX_UNREAD_BYTES
from fillmask_ls.lsp.transport.sockets import serve_tcp
from fillmask_ls.lsp.transport.websocket import serve_websocket
from lsp.small_server import EXIT, HOVER, INITIALIZE_REQUEST, SHUTDOWN, SmallServer, framed
from wire import SERVER

LARGE = "x" * (MAX_UNREAD_BYTES + 1)


class Listening:
    """A small server that listens in this process."""

    def __init__(self, serve: Callable[..., Awaitable[int]]) -> None:
        self.server = SmallServer()
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.serving = asyncio.ensure_future(
            serve(self.server.protocol, "127.0.0.1", 0, on_listening=self._address.set_result)
        )

    async def url(self) -> str:
        return await self._address

    async def port(self) -> int:
        return int((await self.url()).rpartition(":")[2])


@pytest_asyncio.fixture
async def tcp() -> AsyncIterator[Listening]:
    listening = Listening(serve_tcp)
    yield listening
    listening.serving.cancel()


@pytest_asyncio.fixture
async def websocket() -> AsyncIterator[Listening]:
    listening = Listening(serve_websocket)
    yield listening
    listening.serving.cancel()


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    body = await read_message(reader)
    assert body is not None
    return json.loads(body)  # type: ignore[no-any-return]


async def test_session_over_tcp(tcp: Listening) -> None:
    tcp.server.hover_text = LARGE
    reader, writer = await asyncio.open_connection("127.0.0.1", await tcp.port())
    writer.write(framed(INITIALIZE_REQUEST, HOVER))
    assert "capabilities" in (await receive(reader))["result"]
    assert (await receive(reader))["result"]["contents"] == LARGE
    writer.write(framed(SHUTDOWN, EXIT))
    assert (await receive(reader))["id"] == 3
    assert await tcp.serving == 0
    writer.close()


async def test_pending_responses_are_sent_before_the_server_exits(tcp: Listening) -> None:
    tcp.server.hover_text = LARGE[:10_000_000]
    reader, writer = await asyncio.open_connection("127.0.0.1", await tcp.port())
    writer.write(framed(INITIALIZE_REQUEST, HOVER))
    await receive(reader)
    writer.write(framed(SHUTDOWN, EXIT))
    assert (await receive(reader))["result"]["contents"] == LARGE[:10_000_000]
    assert (await receive(reader))["id"] == 3
    writer.close()


async def test_tcp_client_that_disconnects_ends_the_server(tcp: Listening) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", await tcp.port())
    writer.write(framed(INITIALIZE_REQUEST) + b"Content-Length: 1000\r\n\r\nhalf a mess")
    writer.close()
    assert await tcp.serving == 1


@pytest.mark.parametrize(
    "data", [b"", b"Content-Length: 1000\r\n\r\nhalf a mess", b"x" * 100_000, b"POST / HTTP/1.1\r\nOrigin: x\r\n\r\n"]
)
async def test_tcp_connection_that_sends_no_message_does_not_become_the_client(tcp: Listening, data: bytes) -> None:
    port = await tcp.port()
    _, idle = await asyncio.open_connection("127.0.0.1", port)
    stranger_reader, stranger = await asyncio.open_connection("127.0.0.1", port)
    stranger.write(data)
    stranger.write_eof()
    with contextlib.suppress(ConnectionError):
        assert await stranger_reader.read() == b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(framed(INITIALIZE_REQUEST))
    assert "capabilities" in (await receive(reader))["result"]
    for each in (idle, stranger, writer):
        each.close()


async def test_session_over_websocket(websocket: Listening) -> None:
    async with connect(await websocket.url(), max_size=None) as connection:
        websocket.server.hover_text = LARGE
        for message in (INITIALIZE_REQUEST, HOVER):
            await connection.send(json.dumps(message))
        assert "capabilities" in json.loads(await connection.recv())["result"]
        assert json.loads(await connection.recv())["result"]["contents"] == LARGE
        with pytest.raises(ConnectionClosed):  # one client per process
            async with connect(await websocket.url()) as second:
                await second.recv()
        for message in (SHUTDOWN, EXIT):
            await connection.send(json.dumps(message))
        assert json.loads(await connection.recv()) == {"id": 3, "jsonrpc": "2.0", "result": None}
        assert await websocket.serving == 0


async def test_websocket_connection_that_sends_no_message_does_not_become_the_client(websocket: Listening) -> None:
    url = await websocket.url()
    await (await connect(url)).close()
    (await connect(url)).transport.abort()
    async with connect(url), connect(url) as client:  # the first one sends nothing
        await client.send(json.dumps(INITIALIZE_REQUEST))
        assert "capabilities" in json.loads(await client.recv())["result"]


async def test_web_page_is_refused(websocket: Listening) -> None:
    with pytest.raises(InvalidStatus):
        await connect(await websocket.url(), origin="https://evil.example")  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["abort", "text that is not UTF-8"])
async def test_websocket_client_that_disconnects_ends_the_server(websocket: Listening, end: str) -> None:
    connection = await connect(await websocket.url())
    await connection.send(json.dumps(INITIALIZE_REQUEST))
    await connection.recv()
    if end == "abort":
        connection.transport.abort()
    else:
        await connection.send(b"\xff", text=True)
    assert await websocket.serving == 1


async def test_websocket_client_that_dies_with_unread_messages_ends_the_server(websocket: Listening) -> None:
    server = websocket.server
    server.completion_label = LARGE
    loop = asyncio.get_running_loop()
    completions = [{**HOVER, "id": id, "method": "textDocument/completion"} for id in range(10, 16)]
    with socket.socket() as client:  # reads nothing after the handshake
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # else the system buffers all of it
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing sends a reset
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", await websocket.port()))
        await loop.sock_sendall(client, HANDSHAKE)
        assert b"101" in await loop.sock_recv(client, 4096)
        await loop.sock_sendall(client, b"".join(map(websocket_frame, (INITIALIZE_REQUEST, *completions))))
        while server.completions < len(completions):
            await asyncio.sleep(0)
        server.release.set()
        await loop.sock_sendall(client, websocket_frame(HOVER))
        while not server.hovers:
            await asyncio.sleep(0)
        for _ in range(20):  # now the message loop waits for the client to read
            await asyncio.sleep(0)
    assert await websocket.serving == 1


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def websocket_frame(message: object) -> bytes:
    """Return a client's frame, masked with zeros."""
    body = json.dumps(message).encode()
    return struct.pack("!BBHI", 0x81, 0x80 | 126, len(body), 0) + body


# The program


@pytest.mark.process
async def test_program_serves_tcp() -> None:
    program, host, port = listen("--tcp")
    assert host == "127.0.0.1"
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(framed(INITIALIZE_REQUEST, SHUTDOWN, EXIT))
    assert "capabilities" in (await receive(reader))["result"]
    assert (await receive(reader))["id"] == 3
    assert await asyncio.to_thread(program.wait) == 0
    writer.close()


@pytest.mark.process
async def test_program_serves_a_websocket() -> None:
    program, host, port = listen("--ws")
    assert host == "127.0.0.1"
    async with connect(f"ws://{host}:{port}") as connection:
        for message in (INITIALIZE_REQUEST, SHUTDOWN, EXIT):
            await connection.send(json.dumps(message))
        assert "capabilities" in json.loads(await connection.recv())["result"]
        assert json.loads(await connection.recv())["id"] == 3
    assert await asyncio.to_thread(program.wait) == 0


def listen(option: str) -> tuple[subprocess.Popen[str], str, int]:
    """Start the program; return the address that it prints."""
    program = subprocess.Popen([*SERVER, option, "0"], stderr=subprocess.PIPE, text=True)
    assert program.stderr is not None
    host, _, port = program.stderr.readline().strip().rpartition("//")[2].rpartition(":")
    return program, host, int(port)


@pytest.mark.process
def test_address_in_use_is_a_one_line_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        result = subprocess.run([*SERVER, "--tcp", address], capture_output=True, text=True)
    assert result.returncode == 2
    assert "can't listen" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("address", ["x", "127.0.0.1:", "1:2:99999", ""])
def test_malformed_address_is_a_usage_error(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tcp", address]) == 2
    assert "[HOST:]PORT" in capsys.readouterr().err
