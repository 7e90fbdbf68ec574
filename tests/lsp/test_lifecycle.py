"""The life cycle of a server: requests from its start to its end, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from fillmask_ls.lsp.server import FillmaskServer
from lsp.small_server import POSITION_PARAMS, DirectClient, code
from scripted_engine import ScriptedEngine
from wire import SERVER, Connection, Wire

Client = DirectClient[FillmaskServer]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and non-blocking pipes")


@pytest_asyncio.fixture
async def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest_asyncio.fixture
async def client(engine: ScriptedEngine) -> Client:
    """A client of a server with the scripted engine."""
    return DirectClient(FillmaskServer(local=engine))  # type: ignore[arg-type]


def position_params(character: int) -> dict[str, Any]:
    """Return the parameters of a request about a position in the first line."""
    return {**POSITION_PARAMS, "position": {"line": 0, "character": character}}


async def test_initialize_returns_the_capabilities(client: Client) -> None:
    result = (await client.initialize())["result"]
    assert result["serverInfo"]["name"] == "fillmask-ls"
    capabilities = result["capabilities"]
    assert capabilities["positionEncoding"] == "utf-16"
    assert capabilities["textDocumentSync"]["change"] == 2
    assert capabilities["completionProvider"]["triggerCharacters"] == ["[", "]"]
    assert capabilities["hoverProvider"] is True


@pytest.mark.parametrize("offered", [["utf-8", "utf-16"], ["utf-32", "utf-8"], ["utf-16"], ["utf-99"], []])
async def test_first_known_encoding_of_the_client_is_chosen(client: Client, offered: list[str]) -> None:
    result = (await client.initialize({"general": {"positionEncodings": offered}}))["result"]
    known = [encoding for encoding in offered if encoding != "utf-99"]
    assert result["capabilities"]["positionEncoding"] == (known or ["utf-16"])[0]


async def test_requests_without_the_model_are_answered_while_it_loads(client: Client, engine: ScriptedEngine) -> None:
    engine.hold_loading()
    await client.initialize()
    await client.open("It was a [MASK] day.")
    completion, hover = (
        await client.send_request("textDocument/completion", position_params(15)),
        await client.send_request("textDocument/hover", position_params(12)),
    )
    assert (await client.request("textDocument/completion", position_params(2)))["result"] is None
    assert (await client.request("textDocument/hover", position_params(2)))["result"] is None
    assert client.responses(hover) == []
    await engine.release()
    assert (await client.wait_for_response(hover))["result"]
    assert "result" in await client.wait_for_response(completion)


async def test_request_that_is_cancelled_while_the_model_loads_is_answered_quietly(
    client: Client, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.hold_loading()
    await client.initialize()
    await client.open("It was a [MASK] day.")
    for method in ("textDocument/completion", "textDocument/hover"):
        id = await client.send_request(method, position_params(15 if "completion" in method else 12))
        await client.notify("$/cancelRequest", {"id": id})
        assert code(await client.wait_for_response(id)) == types.LSPErrorCodes.RequestCancelled
    await engine.release()
    assert (await client.request("textDocument/hover", position_params(12)))["result"]
    assert errors(caplog) == []


async def test_stale_and_refused_requests_are_not_logged_as_errors(
    client: Client, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.hold_loading()
    await client.initialize()
    await client.open("It was a [MASK] day.")
    stale = await client.send_request("textDocument/hover", position_params(12))
    start = {"line": 0, "character": 0}
    change = {"range": {"start": start, "end": start}, "text": "So i"}
    identifier = {"uri": "file:///a.txt", "version": 6}
    await client.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
    refused = await client.send_request("workspace/executeCommand", {"command": "fillmask.fill", "arguments": [1]})
    assert code(await client.wait_for_response(stale)) == types.LSPErrorCodes.ContentModified
    assert code(await client.wait_for_response(refused)) == types.ErrorCodes.InvalidParams
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the logged warnings and errors, without those of pygls, which the program doesn't log."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and not record.name.startswith("pygls")
    ]


async def test_progress_of_the_load_is_shown(client: Client) -> None:
    await client.initialize({"window": {"workDoneProgress": True}})
    create = await client.wait_for_message("window/workDoneProgress/create")
    await client.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
    while (value := (await client.wait_for_message("$/progress"))["params"]["value"])["kind"] != "end":
        await asyncio.sleep(0)
    kinds = [each["params"]["value"]["kind"] for each in client.messages if each.get("method") == "$/progress"]
    assert kinds == ["begin", "end"]
    assert value["message"] == "embedded is ready"


async def test_server_continues_without_responses_that_arrive_too_late(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    clock, elapsed = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: clock() + elapsed)

    async def exceed_timeout() -> None:
        nonlocal elapsed
        for _ in range(5):  # let the server send its request
            await asyncio.sleep(0)
        elapsed += 5

    await client.initialize({"window": {"workDoneProgress": True}, "workspace": {"configuration": True}})
    await client.open("It was a [MASK] day.")
    for method in ("workspace/configuration", "window/workDoneProgress/create"):
        await client.wait_for_message(method)
        await exceed_timeout()
    hover = await client.send_request("textDocument/hover", position_params(12))
    await exceed_timeout()
    assert (await client.wait_for_response(hover))["result"]
    for request in [message for message in client.messages if "method" in message and "id" in message]:
        await client.send({"jsonrpc": "2.0", "id": request["id"], "result": [{"completion": {"topK": 3}}]})
    completion = await client.send_request("textDocument/completion", position_params(15))
    await exceed_timeout()
    assert (await client.wait_for_response(completion))["result"]["items"]
    assert not any(message.get("method") == "$/progress" for message in client.messages)


# The program


@pytest.mark.process
def test_end_of_input_ends_the_program_while_the_model_loads() -> None:
    with Wire("--stdio") as wire:
        wire.initialize({"window": {"workDoneProgress": True}})
        assert wire.receive()["method"] == "window/workDoneProgress/create"  # the load begins
        wire.close_input()
        assert wire.wait() == 1
        assert wire.log() == ""


@posix
@pytest.mark.process
def test_program_ends_with_its_client_even_if_the_pipes_stay_open() -> None:
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with Wire() as wire:
        wire.initialize(processId=client.pid)
        client.kill()
        client.wait()
        assert client.stdin
        client.stdin.close()
        assert wire.wait() == 1


@posix
@pytest.mark.process
@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {130}), (signal.SIGTERM, {143, -signal.SIGTERM})])
def test_signal_ends_the_program_quietly(number: signal.Signals, codes: set[int]) -> None:
    with Wire() as wire:
        wire.initialize()
        wire.process.send_signal(number)
        assert wire.wait() in codes
        assert "Traceback" not in wire.log()


@posix
@pytest.mark.process
def test_program_with_non_blocking_unread_files_logs_no_text_and_ends() -> None:
    """Standard streams are inherited in non-blocking mode, and standard error is unread until the end."""
    server_in, client_out = os.pipe()
    client_in, server_out = os.pipe()
    log_in, log_out = os.pipe()
    for file in (server_in, server_out, log_out):
        os.set_blocking(file, False)
    program = subprocess.Popen([*SERVER, "--log", "debug"], stdin=server_in, stdout=server_out, stderr=log_out)
    for file in (server_in, server_out, log_out):
        os.close(file)
    with os.fdopen(client_in, "rb") as reading, os.fdopen(client_out, "wb") as writing, os.fdopen(log_in, "rb") as log:
        wire = Connection(writing, reading)
        wire.initialize()
        wire.open("secretword [MASK] \ud800 secretword.")
        wire.request("textDocument/hover", wire.position_params(0, 14))
        wire.request("textDocument/hover", {"secretword": 1})
        for _ in range(1_000):  # more records than a pipe holds
            wire.request("textDocument/hover", wire.position_params(0, 0))
        wire.shut_down()
        assert program.wait() == 0
        lines = log.read().decode().splitlines()
    assert all(line.startswith("fillmask-ls: ") for line in lines)
    assert "secretword" not in "".join(lines)
    assert any("the model embedded is ready" in line for line in lines)
    assert any(re.search(r"textDocument/hover answered after [0-9.]+ ms", line) for line in lines)
