"""Requests that an edit made moot, or that the client cancelled: answered at once, and never computed later."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls.engine.api import PredictQuestion
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

URI = "file:///a.txt"
TEXT = "It was a [MASK] day.\nAnother [MASK] line.\n"


async def ask_for_hover(raw: RawClient, engine: ScriptedEngine) -> int:
    """Hover over the first mask, and return when the engine was asked."""
    await raw.initialize()
    engine.hold()
    raw.open(TEXT)
    asked = raw.ask("textDocument/hover", raw.at(0, 12))
    await engine.wait_until(lambda: bool(engine.asked))
    return asked


@pytest.mark.parametrize(
    "edit",
    [((0, 0), (0, 0), "x"), ((0, 10), (0, 11), "X"), ((0, 0), (1, 0), ""), "Other text."],
    ids=["moves the mask", "changes the mask", "deletes its line", "replaces the text"],
)
async def test_an_edit_that_moves_or_changes_the_mask_makes_its_request_stale(
    raw: RawClient, engine: ScriptedEngine, edit: object
) -> None:
    asked = await ask_for_hover(raw, engine)
    raw.change(URI, 2, edit)
    assert (await raw.answer(asked))["error"]["code"] == types.LSPErrorCodes.ContentModified
    await engine.release()
    assert engine.answered == []


@pytest.mark.parametrize("edit", [((0, 16), (0, 16), "very "), ((1, 0), (1, 0), "And ")], ids=["after", "below"])
async def test_an_edit_elsewhere_leaves_the_request_as_is(raw: RawClient, engine: ScriptedEngine, edit: object) -> None:
    asked = await ask_for_hover(raw, engine)
    raw.change(URI, 2, edit)
    await engine.release()
    assert "house" in str((await raw.answer(asked))["result"])
    assert engine.questions(PredictQuestion)[0].text.startswith("It was a [MASK] day.")  # the snapshot, not the edit


async def test_closing_the_document_makes_its_requests_stale(raw: RawClient, engine: ScriptedEngine) -> None:
    asked = await ask_for_hover(raw, engine)
    raw.close(URI)
    assert (await raw.answer(asked))["error"]["code"] == types.LSPErrorCodes.ContentModified


async def test_a_cancelled_request_is_answered_and_never_computed(raw: RawClient, engine: ScriptedEngine) -> None:
    asked = await ask_for_hover(raw, engine)
    raw.notify("$/cancelRequest", {"id": asked})
    assert (await raw.answer(asked))["error"]["code"] == types.LSPErrorCodes.RequestCancelled
    await engine.release()
    assert engine.answered == []


async def test_a_request_that_is_cancelled_in_the_same_read_asks_the_engine_nothing(
    raw: RawClient, engine: ScriptedEngine
) -> None:
    await raw.initialize()
    raw.open(TEXT)
    await raw.request("textDocument/hover", raw.at(0, 0))
    for _ in range(21):
        asked = raw.ask("textDocument/completion", raw.at(0, 15))
        raw.notify("$/cancelRequest", {"id": asked})
        assert (await raw.answer(asked))["error"]["code"] == types.LSPErrorCodes.RequestCancelled
    await raw.request("textDocument/hover", raw.at(0, 0))
    assert engine.answered == []
