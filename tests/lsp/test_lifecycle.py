"""The protocol's life cycle on a real process: one response to every request, and an end to everything."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from lsprotocol import types

from wire import SERVER, Wire

INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as started:
        yield started


@pytest.fixture(scope="module")
def ready() -> Iterator[Wire]:
    """A server that has its model; nothing a test does to it may keep it from answering the next."""
    with Wire() as started:
        started.initialize()
        started.open("It was a [MASK] day.")
        assert started.complete(0, 15)["items"]
        yield started


def code(response: dict[str, Any]) -> int:
    return int(response["error"]["code"])


def test_initialize_says_what_the_server_can(wire: Wire) -> None:
    result = wire.initialize()["result"]
    assert result["serverInfo"]["name"] == "fillmask-ls"
    capabilities = result["capabilities"]
    assert capabilities["positionEncoding"] == "utf-16"
    assert capabilities["textDocumentSync"]["change"] == 2
    assert capabilities["completionProvider"]["triggerCharacters"] == ["[", "]"]
    assert capabilities["hoverProvider"] is True


@pytest.mark.parametrize("offered", [["utf-8", "utf-16"], ["utf-32", "utf-8"], ["utf-16"], ["utf-99"], []])
def test_the_clients_first_encoding_is_taken(wire: Wire, offered: list[str]) -> None:
    result = wire.initialize({"general": {"positionEncodings": offered}})["result"]
    known = [encoding for encoding in offered if encoding != "utf-99"]
    assert result["capabilities"]["positionEncoding"] == (known or ["utf-16"])[0]


def test_before_initialize_every_request_is_refused(wire: Wire) -> None:
    assert code(wire.request("textDocument/hover", wire.at(0, 0))) == -32002
    assert code(wire.request("shutdown")) == -32002
    assert "result" in wire.initialize()


def test_a_malformed_initialize_can_be_tried_again(wire: Wire) -> None:
    assert code(wire.request("initialize", {"capabilities": 5})) == -32602
    assert "result" in wire.initialize()


def test_a_second_initialize_is_refused(ready: Wire) -> None:
    assert code(ready.request("initialize", INITIALIZE)) == -32600


def test_after_shutdown_requests_are_refused_and_exit_is_clean(wire: Wire) -> None:
    wire.initialize()
    assert wire.request("shutdown")["result"] is None
    assert code(wire.request("textDocument/hover", wire.at(0, 0))) == -32600
    wire.notify("exit")
    assert wire.wait(5) == 0


def test_exit_without_shutdown_is_a_failure(wire: Wire) -> None:
    wire.initialize()
    wire.notify("exit")
    assert wire.wait(5) == 1


def test_exit_before_initialize(wire: Wire) -> None:
    wire.notify("exit")
    assert wire.wait(5) == 1


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("no/such/method", {}, -32601),
        ("$/unknown", None, -32601),
        ("textDocument/hover", None, -32602),
        ("textDocument/hover", [], -32602),
        ("textDocument/hover", {"textDocument": {"uri": 5}, "position": {"line": "x", "character": 0}}, -32602),
        ("textDocument/hover", {"textDocument": {"uri": "a"}, "position": {"line": -1, "character": 0}}, -32602),
        ("textDocument/completion", {}, -32602),
        ("textDocument/completion", {"textDocument": None, "position": None}, -32602),
        ("workspace/executeCommand", {"command": "no.such"}, -32602),
    ],
)
def test_every_request_gets_its_error(ready: Wire, method: str, params: object, expected: int) -> None:
    assert code(ready.request(method, params, timeout=5)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", -32700),
        (b"", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"5", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600),
    ],
)
def test_what_is_no_message_gets_an_error_without_an_id(ready: Wire, body: bytes, expected: int) -> None:
    ready.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    assert code(ready.answer(None, timeout=5)) == expected


def test_headers_in_any_case_and_order_and_in_pieces(ready: Wire) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": "x", "method": "textDocument/hover", "params": ready.at(0, 0)}).encode()
    message = b"content-type: application/vscode-jsonrpc\r\ncontent-length:%d\r\n\r\n%s" % (len(body), body)
    for start in range(0, len(message), 7):
        ready.send_bytes(message[start : start + 7])
        time.sleep(0.002)
    assert ready.answer("x", timeout=5)["result"] is None


def test_notifications_of_any_form_are_survived_in_silence(ready: Wire) -> None:
    before = len(ready.notifications)
    for params in (
        None,
        [],
        5,
        {},
        {"textDocument": {"uri": "file:///never-opened"}, "contentChanges": [{"text": "x"}]},
    ):
        for method in (
            "textDocument/didOpen",
            "textDocument/didChange",
            "textDocument/didClose",
            "$/cancelRequest",
            "no/such",
        ):
            ready.send({"jsonrpc": "2.0", "method": method, "params": params})
    ready.send(
        {
            "jsonrpc": "2.0",
            "method": "textDocument/didChange",
            "params": {"textDocument": {"uri": "u", "version": 1}, "contentChanges": [{"text": "x"}]},
        }
    )
    ready.send({"jsonrpc": "2.0", "id": 4711, "result": "to nothing that was asked"})
    assert ready.request("textDocument/hover", ready.at(0, 0), timeout=5)["result"] is None
    assert len(ready.notifications) == before


def test_a_cancelled_request_is_answered_so(wire: Wire) -> None:
    wire.initialize()
    wire.open("It was a [MASK] day.")
    waiting = wire.ask("textDocument/completion", wire.at(0, 15))  # the model is not there yet
    wire.notify("$/cancelRequest", {"id": waiting})
    assert code(wire.answer(waiting, timeout=5)) == -32800
    assert wire.complete(0, 15)["items"]


def test_everything_else_is_served_while_the_model_loads(wire: Wire) -> None:
    wire.initialize()
    wire.open("It was a [MASK] day.")
    waiting = wire.ask("textDocument/completion", wire.at(0, 15))
    start = time.perf_counter()
    assert wire.request("textDocument/completion", wire.at(0, 2))["result"] is None
    assert wire.request("textDocument/hover", wire.at(0, 2))["result"] is None
    assert time.perf_counter() - start < 1.5  # the load takes some seconds
    assert all(message.get("id") != waiting for message in wire.notifications)
    assert wire.answer(waiting)["result"]["items"]


def test_many_requests_at_once_are_all_answered(ready: Wire) -> None:
    ids = [ready.ask("textDocument/completion", ready.at(0, 15)) for _ in range(60)]
    for id in ids[::2]:
        ready.notify("$/cancelRequest", {"id": id})
    answers = {}
    while len(answers) < len(ids):
        message = ready.receive(30)
        assert message["id"] not in answers
        answers[message["id"]] = message
    assert set(answers) == set(ids)
    assert all("result" in answers[id] for id in ids[1::2])


def test_who_waits_for_a_mask_that_an_edit_moves_is_answered_at_once(ready: Wire) -> None:
    uri = "file:///moving.txt"
    ready.open("It was a [MASK] day.", uri)
    asked = []
    for version in range(2, 8):
        asked.append((ready.ask("textDocument/completion", ready.at(0, 15 + version - 2, uri)), version - 2))
        ready.edit((0, 0), (0, 0), "x", version, uri)
    last = ready.ask("textDocument/completion", ready.at(0, 21, uri))
    replies = {}
    while len(replies) <= len(asked):
        message = ready.receive(30)
        replies[message["id"]] = message
    for id, shift in asked:  # one that was quicker than the edit saw the document as it was
        if "error" in replies[id]:
            assert replies[id]["error"]["code"] == types.LSPErrorCodes.ContentModified
        else:
            assert replies[id]["result"]["items"][0]["textEdit"]["range"]["start"]["character"] == 9 + shift
    assert any("error" in replies[id] for id, _ in asked)
    assert replies[last]["result"]["items"][0]["textEdit"]["range"]["start"]["character"] == 15


def test_an_edit_behind_the_mask_leaves_its_request_be(ready: Wire) -> None:
    uri = "file:///behind.txt"
    ready.open("It was a [MASK] day.", uri)
    asked = ready.ask("textDocument/completion", ready.at(0, 15, uri))
    ready.edit((0, 20), (0, 20), " More.", 2, uri)
    assert ready.answer(asked)["result"]["items"]


def test_progress_is_shown_to_a_client_that_can(wire: Wire) -> None:
    wire.initialize({"window": {"workDoneProgress": True}})
    kinds = []
    while "end" not in kinds:
        message = wire.receive(30)
        if message["method"] == "window/workDoneProgress/create":
            wire.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif message["method"] == "$/progress":
            kinds.append(message["params"]["value"]["kind"])
            text = message["params"]["value"]
    assert kinds == ["begin", "end"]
    assert text["message"] == "embedded is ready"


def test_no_progress_to_a_client_that_can_not_and_none_that_never_answers(wire: Wire) -> None:
    wire.initialize({"window": {"workDoneProgress": True}, "workspace": {"configuration": True}})
    wire.open("It was a [MASK] day.")
    assert wire.complete(0, 15)["items"]  # though neither its settings nor a progress bar were ever answered
    assert "$/progress" not in [message.get("method") for message in wire.notifications]


@pytest.mark.parametrize("seconds", [0, 1, 2])
def test_the_end_of_standard_input_ends_the_server_also_while_it_loads(wire: Wire, seconds: float) -> None:
    wire.initialize()
    time.sleep(seconds)
    assert wire.process.stdin is not None
    wire.process.stdin.close()
    assert wire.wait(5) == 1


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("seconds", [0, 1.5])
def test_the_death_of_the_client_ends_the_server_though_its_pipes_stay_open(seconds: float) -> None:
    client = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    with Wire() as wire:
        wire.initialize(processId=client.pid)
        time.sleep(seconds)
        client.send_signal(signal.SIGKILL)
        client.wait()
        assert wire.wait(5) == 1


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_an_interrupt_ends_the_server_quietly(wire: Wire) -> None:
    wire.initialize()
    wire.process.send_signal(signal.SIGINT)
    assert wire.wait(5) == 130
    assert wire.process.stderr is not None
    assert b"Traceback" not in wire.process.stderr.read()


@pytest.mark.parametrize(("level", "is_quoted"), [("debug", False), ("messages", True)])
def test_document_text_is_logged_only_if_the_user_says_so(level: str, is_quoted: bool) -> None:
    with Wire("--log", level) as wire:
        wire.initialize()
        wire.open("secretword [MASK] \ud800 secretword.")
        wire.complete(0, 17)
        wire.send(
            {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"text": "secretword"}}}
        )
        wire.request("textDocument/hover", {"secretword": 1})
        wire.request("shutdown")
        wire.notify("exit")
        assert wire.wait(5) == 0
        assert wire.process.stderr is not None
        log = wire.process.stderr.read().decode()
        assert ("secretword" in log) is is_quoted
        assert "the model embedded is ready" in log
        assert re.search(r"textDocument/completion answered after [0-9.]+ ms", log)


def test_a_command_is_cancelled_with_its_request(wire: Wire) -> None:
    wire.initialize({"workspace": {"applyEdit": True}})
    wire.open("It was a [MASK] day.\n\n" * 300)
    assert wire.request("textDocument/hover", wire.at(0, 12))["result"]  # the model is loaded
    command = {"command": "fillmask.fillAll", "arguments": [{"uri": "file:///a.txt"}]}
    filling = wire.ask("workspace/executeCommand", command)
    wire.notify("$/cancelRequest", {"id": filling})
    assert wire.answer(filling)["error"]["code"] == -32800
    asked = time.perf_counter()
    assert wire.complete(0, 15)["items"]
    assert time.perf_counter() - asked < 5


def test_shutdown_while_the_client_owes_an_answer() -> None:
    with Wire() as wire:
        wire.initialize({"workspace": {"applyEdit": True}})
        wire.open("It was a [MASK] day.")
        at = {"uri": "file:///a.txt", "position": {"line": 0, "character": 10}, "word": "fine"}
        filling = wire.ask("workspace/executeCommand", {"command": "fillmask.fill", "arguments": [at]})
        while wire.receive().get("method") != "workspace/applyEdit":
            pass
        shutdown = wire.ask("shutdown")
        answers = {message["id"]: message for message in (wire.receive(), wire.receive())}
        assert answers[filling]["error"]["code"] == -32800
        assert answers[shutdown]["result"] is None
        wire.notify("exit")
        assert wire.wait(5) == 0


def test_stdio_may_be_said() -> None:
    done = subprocess.run([*SERVER, "--stdio"], input=b"", capture_output=True, timeout=20)
    assert done.returncode == 1


def test_a_client_that_answers_too_late_harms_nothing(wire: Wire) -> None:
    wire.initialize({"window": {"workDoneProgress": True}, "workspace": {"configuration": True}})
    asked = [wire.receive(5)]
    time.sleep(2.5)
    for late in asked:
        wire.send({"jsonrpc": "2.0", "id": late["id"], "result": [{"completion": {"topK": 3}}]})
    wire.open("It was a [MASK] day.")
    assert wire.complete(0, 15)["items"]


@pytest.mark.parametrize("id", [[1], {"a": 1}, None, 1.5, "unknown"])
def test_a_cancel_of_nothing_is_survived(ready: Wire, id: object) -> None:
    waiting = ready.ask("textDocument/completion", ready.at(0, 15))
    ready.notify("$/cancelRequest", {"id": id})
    assert ready.answer(waiting, timeout=10)["result"]["items"]


@pytest.mark.parametrize(
    "method", ["exit", "initialized", "textDocument/didOpen", "$/setTrace", "window/workDoneProgress/cancel"]
)
def test_a_notification_sent_as_a_request_is_refused(ready: Wire, method: str) -> None:
    assert code(ready.request(method, {}, timeout=5)) in (-32600, -32601)


def test_a_request_with_an_error_in_it_is_a_request(ready: Wire) -> None:
    ready.send(
        {
            "jsonrpc": "2.0",
            "id": "e",
            "method": "textDocument/hover",
            "params": ready.at(0, 0),
            "error": {"code": 1, "message": "x"},
        }
    )
    assert ready.answer("e", timeout=5)["result"] is None


@pytest.mark.parametrize("change", [{"text": None}, {"text": {"a": 1}}, {"text": 5}])
def test_a_change_that_is_no_text_changes_nothing(ready: Wire, change: dict[str, Any]) -> None:
    ready.open("It was a [MASK] day.", "file:///kept.txt")
    ready.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": "file:///kept.txt", "version": 2}, "contentChanges": [change]},
    )
    assert ready.request("textDocument/completion", ready.at(0, 15, "file:///kept.txt"), timeout=10)["result"]["items"]


def test_a_client_newer_than_we_know_can_start(wire: Wire) -> None:
    unknown = {
        "workspace": {"symbol": {"symbolKind": {"valueSet": [77]}}, "workspaceEdit": {"resourceOperations": ["foo"]}},
        "textDocument": {"hover": {"contentFormat": ["html"]}, "fromTheFuture": {"x": 1}},
        "general": {"positionEncodings": ["utf-8"]},
        "future": 5,
    }
    params = {
        "rootUri": "file://[bad",
        "rootPath": "/tmp/\ud800",
        "workspaceFolders": [{"uri": "file://[bad", "name": ""}],
    }
    result = wire.initialize(unknown, **params)["result"]
    assert result["capabilities"]["positionEncoding"] == "utf-8"


def test_what_is_refused_in_the_course_of_typing_is_no_error_in_the_log(wire: Wire) -> None:
    text = "It was a [MASK] day."
    wire.initialize()
    wire.open(text)
    overtaken = wire.ask("textDocument/completion", wire.at(0, 15))
    wire.edit((0, 0), (0, 0), "So i", 2, "file:///a.txt")
    cancelled = wire.ask("textDocument/hover", wire.at(0, 15))
    wire.notify("$/cancelRequest", {"id": cancelled})
    refused = wire.ask("workspace/executeCommand", {"command": "fillmask.fill", "arguments": [1]})
    codes = {types.LSPErrorCodes.ContentModified, types.LSPErrorCodes.RequestCancelled, types.ErrorCodes.InvalidParams}
    assert {code(wire.answer(id)) for id in (overtaken, cancelled, refused)} == codes
    wire.request("shutdown")
    wire.notify("exit")
    wire.wait(10)
    assert wire.process.stderr is not None
    assert wire.process.stderr.read() == b""
