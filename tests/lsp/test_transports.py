"""TCP and WebSocket: on loopback, one client, and the same answers."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wire import SERVER


def request(id: int, method: str, params: object = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


INITIALIZE = request(1, "initialize", {"processId": None, "rootUri": None, "capabilities": {}})
BIG = {
    "textDocument": {"uri": "u", "languageId": "x", "version": 1, "text": "It was a [MASK] day.\n" + "x" * 3_000_000}
}
OPEN = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": BIG}
COMPLETE = request(
    2, "textDocument/completion", {"textDocument": {"uri": "u"}, "position": {"line": 0, "character": 15}}
)
LEAVE = [request(3, "shutdown"), {"jsonrpc": "2.0", "method": "exit"}]


@pytest.fixture
def listening() -> Iterator[Callable[[str, str], tuple[subprocess.Popen[str], str, int]]]:
    servers = []

    def start(option: str, address: str) -> tuple[subprocess.Popen[str], str, int]:
        server = subprocess.Popen([*SERVER, option, address], stderr=subprocess.PIPE, text=True)
        servers.append(server)
        assert server.stderr is not None
        host, _, port = server.stderr.readline().strip().rpartition("//")[2].rpartition(":")
        return server, host, int(port)

    yield start
    for server in servers:
        server.kill()
        server.communicate()


Listening = Callable[[str, str], tuple[subprocess.Popen[str], str, int]]


async def test_tcp(listening: Listening) -> None:
    server, host, port = listening("--tcp", "0")
    assert host == "127.0.0.1"
    reader, writer = await asyncio.open_connection(host, port)

    async def receive() -> dict[str, Any]:
        length = 0
        while line := (await reader.readline()).strip():
            if line.startswith(b"Content-Length"):
                length = int(line.split()[1])
        return json.loads(await reader.readexactly(length))  # type: ignore[no-any-return]

    for message in (INITIALIZE, OPEN, COMPLETE, *LEAVE):
        body = json.dumps(message).encode()
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    answers = {answer["id"]: answer for answer in [await receive(), await receive(), await receive()]}
    assert "capabilities" in answers[1]["result"]
    assert answers[2]["error"]["code"] == -32800 or answers[2]["result"]["items"]  # shutdown cancels what waits
    assert server.wait(5) == 0


async def test_a_tcp_client_that_vanishes_ends_the_server(listening: Listening) -> None:
    server, host, port = listening("--tcp", "127.0.0.1:0")
    _, writer = await asyncio.open_connection(host, port)
    body = json.dumps(INITIALIZE).encode()
    writer.write(b"Content-Length: %d\r\n\r\n%sContent-Length: 1000\r\n\r\nhalf a mess" % (len(body), body))
    await writer.drain()
    writer.close()
    assert await asyncio.to_thread(server.wait, 5) == 1


@pytest.mark.parametrize(
    "said", [b"", b"Content-Length: 1000\r\n\r\nhalf a mess", b"x" * 100_000, b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_who_sends_no_message_over_tcp_does_not_take_the_server(listening: Listening, said: bytes) -> None:
    _, host, port = listening("--tcp", "0")
    _, stranger = await asyncio.open_connection(host, port)
    stranger.write(said)
    await stranger.drain()
    stranger.close()
    _, idle = await asyncio.open_connection(host, port)
    await the_client_is_served(host, port)
    idle.close()


async def the_client_is_served(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    body = json.dumps(INITIALIZE).encode()
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    assert b"Content-Length" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()


async def test_who_sends_no_message_over_a_websocket_does_not_take_the_server(listening: Listening) -> None:
    _, host, port = listening("--ws", "0")
    await (await connect(f"ws://{host}:{port}")).close()
    silent = await connect(f"ws://{host}:{port}")
    silent.transport.abort()
    async with connect(f"ws://{host}:{port}"), connect(f"ws://{host}:{port}") as client:  # the first one says nothing
        await client.send(json.dumps(INITIALIZE))
        assert "capabilities" in json.loads(await client.recv())["result"]


async def test_websocket(listening: Listening) -> None:
    server, host, port = listening("--ws", "0")
    assert host == "127.0.0.1"
    async with connect(f"ws://{host}:{port}", max_size=None) as connection:
        for message in (INITIALIZE, OPEN, COMPLETE):
            await connection.send(json.dumps(message))
        assert "capabilities" in json.loads(await connection.recv())["result"]
        assert json.loads(await connection.recv())["result"]["items"]
        with pytest.raises(ConnectionClosed):  # one client a process
            async with connect(f"ws://{host}:{port}") as second:
                await second.recv()
        for message in LEAVE:
            await connection.send(json.dumps(message))
        assert json.loads(await connection.recv()) == {"id": 3, "jsonrpc": "2.0", "result": None}
        assert await asyncio.to_thread(server.wait, 5) == 0


async def test_a_page_in_a_browser_is_refused(listening: Listening) -> None:
    _, host, port = listening("--ws", "0")
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{host}:{port}", origin="https://evil.example")  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["--tcp", "--ws"])
def test_an_address_that_is_taken_is_an_error_in_one_line(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run([*SERVER, option, address], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "can't listen" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("address", ["x", "127.0.0.1:", "1:2:99999", ""])
def test_an_address_that_is_none(address: str) -> None:
    done = subprocess.run([*SERVER, "--tcp", address], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "[HOST:]PORT" in done.stderr


@pytest.mark.parametrize("how", ["no handshake", "text that is none"])
async def test_a_websocket_client_that_breaks_off_ends_the_server(listening: Listening, how: str) -> None:
    server, host, port = listening("--ws", "0")
    connection = await connect(f"ws://{host}:{port}")
    await connection.send(json.dumps(INITIALIZE))
    await connection.recv()
    if how == "no handshake":
        connection.transport.abort()
    else:
        await connection.send(b"\xff", text=True)
    assert await asyncio.to_thread(server.wait, 5) == 1
