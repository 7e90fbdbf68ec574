"""Clients that forge data, don't count versions, send malformed changes, or respond out of order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types

from fillmask_ls.engine.api import EngineError, PredictQuestion, SampleMaskQuestion
from fillmask_ls.lsp.server import FillmaskServer
from lsp.small_server import INITIALIZE, DirectClient, code
from scripted_engine import ScriptedEngine

URI = "file:///a.txt"
TEXT = "She walked to the old house. It was a [MASK] day.\n"
CAPABILITIES = {
    "experimental": {"fillmaskStatus": True},
    "textDocument": {
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}},
        "inlayHint": {},
    },
}
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}

Client = DirectClient[FillmaskServer]


async def connect(engine: ScriptedEngine, capabilities: object = CAPABILITIES, **options: Any) -> Client:
    client = DirectClient(FillmaskServer(local=engine))  # type: ignore[arg-type]
    parameters = {**INITIALIZE, "capabilities": capabilities, "initializationOptions": options}
    await client.request("initialize", parameters)
    await client.notify("initialized", {})
    return client


async def change(client: Client, version: object, text: str) -> None:
    """Insert a text at the start of the document."""
    start = {"line": 0, "character": 0}
    changes = [{"range": {"start": start, "end": start}, "text": text}]
    await client.notify(
        "textDocument/didChange", {"textDocument": {"uri": URI, "version": version}, "contentChanges": changes}
    )


def position_params(character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": URI}, "position": {"line": 0, "character": character}}


@pytest.mark.parametrize(
    "forged",
    [
        {"start": -5},
        {"start": 20, "end": 10},
        {"start": "3"},
        {"end": 1e300},
        {"version": "5"},
        {"seed": -1},
        {"seed": 2**64},
        {"seed": "x"},
        {"uri": 1},
        {"do": "other"},
    ],
    ids=str,
)
async def test_a_forged_code_action_is_refused(forged: dict[str, Any]) -> None:
    engine = ScriptedEngine()
    client = await connect(engine)
    await client.open(TEXT)
    data = {"do": "mask", "uri": URI, "version": 5, "start": 0, "end": 20, "seed": 1}
    assert "result" in await client.request("codeAction/resolve", {"title": "", "data": data})
    questions = len(engine.questions(SampleMaskQuestion))
    assert code(await client.request("codeAction/resolve", {"title": "", "data": {**data, **forged}})) == -32602
    assert len(engine.questions(SampleMaskQuestion)) == questions


async def test_an_edit_makes_requests_stale_even_if_the_client_does_not_count_versions() -> None:
    engine = ScriptedEngine()
    client = await connect(engine)
    await client.open(TEXT)
    engine.hold()
    request_id = await client.send_request("textDocument/inlayHint", {"textDocument": {"uri": URI}, "range": WHOLE})
    await engine.wait_until(lambda: bool(engine.questions(PredictQuestion)))
    await change(client, 5, "Then: ")
    await engine.release()
    assert code(await client.wait_for_response(request_id)) == types.LSPErrorCodes.ContentModified


async def test_joint_fills_are_dropped_if_their_line_changed_even_if_the_version_is_the_same() -> None:
    engine = ScriptedEngine()
    client = await connect(engine)
    await client.open("A [MASK] and [MASK] here.")
    engine.hold()
    request_id = await client.send_request("textDocument/completion", position_params(8))
    await engine.wait_until(lambda: bool(engine.questions(PredictQuestion)))
    await client.open("A [MASK] or a [MASK] there.")
    await engine.release()
    labels = [item["label"] for item in (await client.wait_for_response(request_id))["result"]["items"]]
    assert "house" in labels
    assert not any("…" in label for label in labels)


async def run_ready_tasks() -> None:
    """Let the server's tasks run until they wait for the client or the engine."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("method", ["textDocument", "notebookDocument"])
async def test_a_document_is_dropped_after_a_malformed_change(method: str) -> None:
    client = await connect(ScriptedEngine())
    await client.open(TEXT)
    document, changes = {"uri": URI, "version": 6}, [{"range": {"start": {"line": -1}}, "text": "x"}]
    parameters: dict[str, Any] = {"textDocument": document, "contentChanges": changes}
    if method == "notebookDocument":
        cells = {"textContent": [{"document": document, "changes": changes}]}
        parameters = {"notebookDocument": {"uri": "file:///n.ipynb", "version": 2}, "change": {"cells": cells}}
    await client.notify(f"{method}/didChange", parameters)
    assert (await client.request("textDocument/hover", position_params(40)))["result"] is None
    assert "text is no longer known" in (await client.wait_for_message("window/showMessage"))["params"]["message"]
    await client.open(TEXT)
    assert "house" in str((await client.request("textDocument/hover", position_params(40)))["result"])


async def test_the_latest_configuration_request_wins_if_responses_arrive_out_of_order() -> None:
    client = await connect(ScriptedEngine(), {"workspace": {"configuration": True}})
    await client.notify("workspace/didChangeConfiguration", {"settings": None})
    await run_ready_tasks()
    older, newer = (message for message in client.messages if message.get("method") == "workspace/configuration")
    for request, words in ((newer, 2), (older, 9)):
        result = [{"completion": {"topK": words}}]
        await client.send({"jsonrpc": "2.0", "id": request["id"], "result": result})
        await run_ready_tasks()
    assert client.server.session.configuration.settings.completion_top_k == 2


async def test_a_refused_request_of_the_server_is_forgotten() -> None:
    client = await connect(ScriptedEngine(), {"workspace": {"configuration": True}})
    request = await client.wait_for_message("workspace/configuration")
    error = {"code": -32601, "message": "not supported"}
    await client.send({"jsonrpc": "2.0", "id": request["id"], "error": error})
    await run_ready_tasks()
    assert not client.protocol._result_types
    assert not client.protocol._request_futures


class SequentialLoads(ScriptedEngine):
    """Loads one model after another, as the local engine does.

    Attributes:
        may_finish: for each model that loads slowly, the event that its load waits for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.may_finish = {"one": asyncio.Event(), "two": asyncio.Event()}
        self._loading = asyncio.Lock()

    async def load(self, model: str, device: str, dtype: str = "auto", runtime: str = "torch") -> str:
        async with self._loading:
            self.load_requests.append(model)
            await self._notify()
            if model in self.may_finish:
                await self.may_finish[model].wait()
            if model in self.load_errors:
                raise EngineError(self.load_errors[model])
            self.model_name = model
            await self._notify()
            return model


@pytest.mark.parametrize("reason", [None, "Model 'one' not found."])
async def test_status_is_loading_until_the_model_that_was_chosen_last_is_loaded(reason: str | None) -> None:
    engine = SequentialLoads()
    if reason is not None:
        engine.load_errors["one"] = reason
    client = await connect(engine)
    await engine.wait_until(lambda: engine.model_name == "auto")
    await client.notify("workspace/didChangeConfiguration", {"settings": {"fillmask": {"model": "one"}}})
    await engine.wait_until(lambda: "one" in engine.load_requests)
    await client.notify("workspace/didChangeConfiguration", {"settings": {"fillmask": {"model": "two"}}})
    await run_ready_tasks()
    engine.may_finish["one"].set()
    await engine.wait_until(lambda: "two" in engine.load_requests)
    await run_ready_tasks()

    async def status() -> tuple[str, str | None]:
        result = (await client.request("workspace/executeCommand", {"command": "fillmask.status"}))["result"]
        return result["state"], result["error"]

    assert await status() == ("loading", None)
    assert not any(message.get("method") == "window/showMessage" for message in client.messages)
    engine.may_finish["two"].set()
    await engine.wait_until(lambda: engine.model_name == "two")
    await run_ready_tasks()
    assert await status() == ("ready", None)
