"""Requests that an edit made stale or the client cancelled: answered at once and never computed."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls.engine.api import PredictQuestion
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

URI = "file:///a.txt"
TEXT = "It was a [MASK] day.\nAnother [MASK] line.\n"


async def request_hover(raw: RawClient, engine: ScriptedEngine) -> int:
    """Hover over the first mask, wait until the engine receives the question, and return the request's id."""
    await raw.initialize()
    engine.hold()
    raw.open(TEXT)
    request_id = raw.send_request("textDocument/hover", raw.position_params(0, 12))
    await engine.wait_until(lambda: bool(engine.received))
    return request_id


@pytest.mark.parametrize(
    "edit",
    [((0, 0), (0, 0), "x"), ((0, 10), (0, 11), "X"), ((0, 0), (1, 0), ""), "Other text."],
    ids=["moves the mask", "changes the mask", "deletes its line", "replaces the text"],
)
async def test_an_edit_that_moves_or_changes_the_mask_makes_its_request_stale(
    raw: RawClient, engine: ScriptedEngine, edit: object
) -> None:
    request_id = await request_hover(raw, engine)
    raw.change(URI, 2, edit)
    assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.ContentModified
    await engine.release()
    assert engine.answered == []


@pytest.mark.parametrize("edit", [((0, 16), (0, 16), "very "), ((1, 0), (1, 0), "And ")], ids=["after", "below"])
async def test_an_edit_elsewhere_does_not_cancel_the_request(
    raw: RawClient, engine: ScriptedEngine, edit: object
) -> None:
    request_id = await request_hover(raw, engine)
    raw.change(URI, 2, edit)
    await engine.release()
    assert "house" in str((await raw.wait_for_response(request_id))["result"])
    assert engine.questions(PredictQuestion)[0].text.startswith("It was a [MASK] day.")  # the snapshot, not the edit


async def test_closing_the_document_makes_its_requests_stale(raw: RawClient, engine: ScriptedEngine) -> None:
    request_id = await request_hover(raw, engine)
    raw.close(URI)
    assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.ContentModified


async def test_a_cancelled_request_is_answered_and_never_computed(raw: RawClient, engine: ScriptedEngine) -> None:
    request_id = await request_hover(raw, engine)
    raw.notify("$/cancelRequest", {"id": request_id})
    assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.RequestCancelled
    await engine.release()
    assert engine.answered == []


async def test_a_request_that_is_cancelled_in_the_same_read_never_reaches_the_engine(
    raw: RawClient, engine: ScriptedEngine
) -> None:
    await raw.initialize()
    raw.open(TEXT)
    await raw.request("textDocument/hover", raw.position_params(0, 0))
    for _ in range(21):
        request_id = raw.send_request("textDocument/completion", raw.position_params(0, 15))
        raw.notify("$/cancelRequest", {"id": request_id})
        assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.RequestCancelled
    await raw.request("textDocument/hover", raw.position_params(0, 0))
    assert engine.answered == []
