"""The protocol over pygls: every request gets one response, whatever the client sends."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from lsp.small_server import INITIALIZE, POSITION_PARAMS, DirectClient, SmallServer, code, nested

Client = DirectClient[SmallServer]
RUN = {"command": "test.run"}


@pytest_asyncio.fixture
async def client() -> Client:
    """A client that hasn't sent ``initialize``."""
    return DirectClient(SmallServer())


@pytest_asyncio.fixture
async def ready(client: Client) -> Client:
    """A client after ``initialize``."""
    await client.initialize()
    return client


async def test_requests_before_initialize_are_refused(client: Client) -> None:
    assert code(await client.request("textDocument/hover", POSITION_PARAMS)) == -32002
    assert code(await client.request("shutdown")) == -32002
    assert "result" in await client.initialize()


async def test_initialize_can_be_sent_again_after_it_was_malformed(client: Client) -> None:
    assert code(await client.request("initialize", {"capabilities": 5})) == -32602
    assert code(await client.request("initialize", {**INITIALIZE, "capabilities": {"x": nested(200)}})) == -32600
    assert "result" in await client.initialize()


async def test_second_initialize_is_refused(ready: Client) -> None:
    assert code(await ready.request("initialize", INITIALIZE)) == -32600


async def test_requests_after_shutdown_are_refused(ready: Client) -> None:
    assert (await ready.request("shutdown"))["result"] is None
    assert code(await ready.request("textDocument/hover", POSITION_PARAMS)) == -32600


@pytest.mark.parametrize(("after_shutdown", "exit_code"), [(True, 0), (False, 1)])
async def test_exit_code_says_whether_shutdown_came_first(ready: Client, after_shutdown: bool, exit_code: int) -> None:
    if after_shutdown:
        await ready.request("shutdown")
    assert ready.server.protocol.exit_code is None
    await ready.notify("exit")
    assert ready.server.protocol.exit_code == exit_code


async def test_exit_before_initialize_is_a_failure(client: Client) -> None:
    await client.notify("exit")
    assert client.server.protocol.exit_code == 1


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("no/such/method", {}, -32601),
        ("no/such/method", nested(500), -32601),
        ("$/unknown", None, -32601),
        (None, {}, -32600),
        (["textDocument/hover"], {}, -32600),
        ("textDocument/hover", None, -32602),
        ("textDocument/hover", [], -32602),
        ("textDocument/hover", {"textDocument": {"uri": 5}, "position": {"line": "x", "character": 0}}, -32602),
        ("textDocument/hover", {"textDocument": {"uri": "a"}, "position": {"line": -1, "character": 0}}, -32602),
        ("textDocument/completion", {"textDocument": None, "position": None}, -32602),
        ("workspace/executeCommand", {"command": "no.such"}, -32602),
        ("workspace/executeCommand", {"command": "test.run", "arguments": [nested(100)]}, -32600),
        ("exit", {}, -32600),
        ("initialized", {}, -32600),
        ("textDocument/didOpen", {}, -32600),
        ("$/setTrace", {}, -32600),
        ("window/workDoneProgress/cancel", {}, -32600),
    ],
)
async def test_request_that_cannot_be_served_gets_its_error(
    ready: Client, method: Any, params: object, expected: int
) -> None:
    assert code(await ready.request(method, params)) == expected
    assert ready.server.errors == []


@pytest.mark.parametrize(
    ("body", "expected", "id"),
    [
        (b"{", -32700, None),
        (b"", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown", "params": NaN}', -32700, None),
        (b"[]", -32600, None),
        (b"5", -32600, None),
        (b"{}", -32600, None),
        (b'{"jsonrpc": "1.0", "method": "shutdown"}', -32600, None),
        (b'{"jsonrpc": "1.0", "id": "a", "method": "shutdown"}', -32600, "a"),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600, None),
    ],
)
async def test_bytes_that_are_not_a_message_get_one_error(
    ready: Client, body: bytes, expected: int, id: object
) -> None:
    before = len(ready.messages)
    await ready.send(body)
    [response] = ready.messages[before:]
    assert (code(response), response["id"]) == (expected, id)


async def test_malformed_notifications_and_responses_are_ignored(ready: Client) -> None:
    before = len(ready.messages)
    methods = ("textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "$/cancelRequest", "no/such")
    malformed = (None, [], 5, {}, nested(500), {"textDocument": {"uri": "file:///unopened"}, "contentChanges": [{}]})
    for method in (*methods, "textDocument/hover", 5):
        for params in malformed:
            await ready.notify(method, params)
    await ready.send({"jsonrpc": "2.0", "id": 4711, "result": "of an unknown request"})
    await ready.send({"jsonrpc": "2.0", "id": [], "error": None})
    assert (await ready.request("textDocument/hover", POSITION_PARAMS))["result"] is None
    assert len(ready.messages) == before + 1
    assert ready.server.errors == []


async def test_request_with_an_error_member_is_a_request(ready: Client) -> None:
    error = {"code": 1, "message": "x"}
    await ready.send(
        {"jsonrpc": "2.0", "id": "e", "method": "textDocument/hover", "params": POSITION_PARAMS, "error": error}
    )
    assert (await ready.wait_for_response("e"))["result"] is None


async def test_cancelled_request_is_answered_at_once(ready: Client) -> None:
    id = await ready.send_request("textDocument/completion", POSITION_PARAMS)
    await ready.server.held.wait()
    await ready.notify("$/cancelRequest", {"id": id})
    assert code(await ready.wait_for_response(id)) == -32800


async def test_command_is_cancelled_with_its_request(ready: Client) -> None:
    id = await ready.send_request("workspace/executeCommand", RUN)
    await ready.server.held.wait()
    await ready.notify("$/cancelRequest", {"id": id})
    assert code(await ready.wait_for_response(id)) == -32800


@pytest.mark.parametrize("id", [[1], {"a": 1}, None, 1.5, "unknown"])
async def test_cancel_of_no_request_changes_nothing(ready: Client, id: object) -> None:
    completion_id = await ready.send_request("textDocument/completion", POSITION_PARAMS)
    await ready.notify("$/cancelRequest", {"id": id})
    ready.server.release.set()
    assert (await ready.wait_for_response(completion_id))["result"][0]["label"] == "word"


async def test_client_cannot_cancel_a_request_of_the_server(ready: Client) -> None:
    command_id = await ready.send_request("workspace/executeCommand", {"command": "test.configuration"})
    configuration_request = await ready.wait_for_message("workspace/configuration")
    await ready.notify("$/cancelRequest", {"id": configuration_request["id"]})
    await ready.send({"jsonrpc": "2.0", "id": configuration_request["id"], "result": [7]})
    assert (await ready.wait_for_response(command_id))["result"] == "(7,)"


@pytest.mark.parametrize("result", [5, nested(500)])
async def test_malformed_response_fails_the_request_of_the_server(ready: Client, result: object) -> None:
    command_id = await ready.send_request("workspace/executeCommand", {"command": "test.configuration"})
    configuration_request = await ready.wait_for_message("workspace/configuration")
    await ready.send({"jsonrpc": "2.0", "id": configuration_request["id"], "result": result})
    assert "Invalid" in (await ready.wait_for_response(command_id))["result"]
    await ready.send({"jsonrpc": "2.0", "id": configuration_request["id"], "result": [7]})  # too late
    assert len(ready.responses(command_id)) == 1


async def test_shutdown_cancels_requests_in_both_directions(ready: Client) -> None:
    completion_id = await ready.send_request("textDocument/completion", POSITION_PARAMS)
    command_id = await ready.send_request("workspace/executeCommand", {"command": "test.configuration"})
    await ready.wait_for_message("workspace/configuration")
    shutdown = await ready.send_request("shutdown")
    await ready.server.protocol.wait_for_cancelled()
    assert (await ready.wait_for_response(shutdown))["result"] is None
    assert code(await ready.wait_for_response(completion_id)) == -32800
    assert code(await ready.wait_for_response(command_id)) == -32800


async def test_bug_in_a_handler_is_answered_with_its_type_only(ready: Client) -> None:
    response = await ready.request("workspace/executeCommand", {"command": "test.run", "arguments": ["fail"]})
    assert code(response) == -32603
    assert "ValueError" in response["error"]["message"]
    assert "secret" not in str(response)


async def test_finished_notification_handlers_are_forgotten(ready: Client) -> None:
    """pygls keeps the future of each notification."""
    tasks: list[weakref.ref[Any]] = []

    @ready.server.feature("workspace/didChangeConfiguration")
    async def changed(_params: types.DidChangeConfigurationParams) -> None:
        tasks.append(weakref.ref(asyncio.current_task()))

    for _ in range(20):
        await ready.notify("workspace/didChangeConfiguration", {"settings": {}})
        await ready.request("textDocument/hover", POSITION_PARAMS)
    gc.collect()
    assert len(tasks) == 20
    assert sum(task() is not None for task in tasks) <= 1


@pytest.mark.parametrize("version", [None, "missing"])
async def test_change_without_a_version_is_applied(ready: Client, version: str | None) -> None:
    """Older clients send null."""
    await ready.open("one")
    for text in ("two", "three"):
        identifier = {"uri": "file:///a.txt"} if version == "missing" else {"uri": "file:///a.txt", "version": None}
        await ready.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [{"text": text}]})
        assert (await ready.request("textDocument/hover", POSITION_PARAMS))["result"]["contents"] == text
    document = ready.server.protocol.documents.get("file:///a.txt")
    assert document is not None
    assert document.version == 7


async def test_change_of_a_cell_without_a_version_is_applied(ready: Client) -> None:
    cell = {"uri": "file:///a.txt", "languageId": "markdown", "version": 1, "text": "one"}
    notebook = {"uri": "nb:1", "notebookType": "jupyter", "version": 1, "cells": [{"kind": 1, "document": cell["uri"]}]}
    await ready.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": [cell]})
    content = {"document": {"uri": cell["uri"], "version": None}, "changes": [{"text": "two"}]}
    change = {"notebookDocument": {"uri": "nb:1", "version": 2}, "change": {"cells": {"textContent": [content]}}}
    await ready.notify("notebookDocument/didChange", change)
    assert (await ready.request("textDocument/hover", POSITION_PARAMS))["result"]["contents"] == "two"


@pytest.mark.parametrize("change", [{"text": None}, {"text": {"a": 1}}, {"text": 5}])
async def test_document_is_dropped_after_a_change_without_text(ready: Client, change: dict[str, Any]) -> None:
    await ready.open("one")
    identifier = {"uri": "file:///a.txt", "version": 6}
    await ready.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
    assert (await ready.request("textDocument/hover", POSITION_PARAMS))["result"] is None  # the text is no longer known


async def test_unknown_capabilities_of_a_newer_client_are_ignored(client: Client) -> None:
    capabilities = {
        "workspace": {"symbol": {"symbolKind": {"valueSet": [77]}}, "workspaceEdit": {"resourceOperations": ["foo"]}},
        "textDocument": {"hover": {"contentFormat": ["html"]}, "fromTheFuture": {"x": 1}},
        "general": {"positionEncodings": ["utf-8"]},
        "future": 5,
    }
    folders = {"rootUri": "file://[bad", "rootPath": "/tmp/\ud800", "workspaceFolders": [{"uri": "x", "name": ""}]}
    response = await client.request("initialize", {"processId": None, "capabilities": capabilities, **folders})
    assert response["result"]["capabilities"]["positionEncoding"] == "utf-8"


@pytest.mark.parametrize("logs_messages", [False, True])
async def test_messages_are_logged_only_if_the_user_asks_for_it(
    client: Client, caplog: pytest.LogCaptureFixture, logs_messages: bool
) -> None:
    caplog.set_level(logging.DEBUG, "fillmask_ls")
    client.server.protocol.logs_messages = logs_messages
    options = {"engineToken": "token of an engine", "model": "auto"}
    await client.request("initialize", {**INITIALIZE, "initializationOptions": options})
    await client.open("secret \ud800")
    await client.notify("textDocument/didOpen", {"textDocument": {"text": "secret"}})
    await client.request("textDocument/hover", {"secret": nested(500)})
    assert (await client.request("textDocument/hover", POSITION_PARAMS))["result"]
    assert ("secret" in caplog.text) is logs_messages
    assert "token of an engine" not in caplog.text
    assert "textDocument/hover answered after" in caplog.text
