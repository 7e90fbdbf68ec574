"""Open documents: changed, opened twice, closed, in another language, and large."""

from __future__ import annotations

from typing import Any

from fillmask_ls.engine.api import PredictQuestion
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

HOSPITAL = "The man was taken to the [MASK] by ambulance."


async def hover(raw: RawClient, uri: str, line: int, character: int) -> Any:
    """Return the result of a hover; None if there is no mask."""
    return (await raw.request("textDocument/hover", raw.position_params(line, character, uri)))["result"]


async def test_changes_of_one_notification_are_applied_in_order(raw: RawClient, engine: ScriptedEngine) -> None:
    await raw.initialize()
    uri = "untitled:Untitled-1"
    raw.open("", uri)
    assert await hover(raw, uri, 0, 0) is None
    raw.change(
        uri,
        2,
        "The man\u2028was \x0ctaken",
        ((0, 99), (7, 7), " to the [MAS"),
        ((0, 33), (0, 33), "K] by ambulance."),
    )
    assert await hover(raw, uri, 0, 28)
    assert engine.questions(PredictQuestion)[-1].text.split() == HOSPITAL.split()
    raw.change(uri, 3, "")
    assert await hover(raw, uri, 0, 0) is None


async def test_a_document_that_is_opened_again_has_its_new_text_and_language(
    raw: RawClient, engine: ScriptedEngine
) -> None:
    await raw.initialize({"general": {"positionEncodings": ["utf-8"]}})
    uri = "file:///one/a"
    raw.open("Nothing here.", uri)
    raw.open(HOSPITAL, uri)
    assert await hover(raw, uri, 0, 27)
    raw.close(uri)
    more = "Nobody knew him, and nobody asked where he came from."
    raw.open(f"x = 1\n# 😀 The man was taken\n# to the [MASK] by\n# ambulance. {more}\n", uri, "python")
    assert await hover(raw, uri, 2, 10)
    assert engine.questions(PredictQuestion)[-1].text == f"😀 {HOSPITAL} {more}"
    raw.open("# Another root's [MASK].", "file:///two/a", "python")
    assert await hover(raw, uri, 2, 10)
    raw.close("file:///two/a")
    assert await hover(raw, "file:///two/a", 0, 20) is None


async def test_hover_at_the_middle_of_ten_thousand_masks(raw: RawClient, engine: ScriptedEngine) -> None:
    line = f"# {HOSPITAL} It was late, and nobody else had been there that night.\n"
    await raw.initialize()
    raw.open(line * 10_000, "file:///large", "markdown")
    assert await hover(raw, "file:///large", 5_000, 29)
    raw.change("file:///large", 2, ((5_000, 2), (5_000, 2), "\n\nSo it goes.\n\n"))
    assert await hover(raw, "file:///large", 5_004, 27)
    assert "So it goes." in engine.questions(PredictQuestion)[-1].text
