"""``fillmask.fill`` and ``fillmask.fillAll``."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from fillmask_ls.engine.api import FillQuestion
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from scripted_engine import ScriptedEngine

TWO = f"🙂 Paris is the {MASK} of {MASK}."


def at(document: Document, of: str) -> dict[str, int]:
    end = document.range(of).end
    return {"line": end.line, "character": end.character}


def plain(answer: object) -> Any:
    """Return an answer as a script that reads JSON sees it."""
    return json.loads(json.dumps(answer, default=vars))


async def test_fill_replaces_the_mask_by_the_best_or_the_given_word(editor: Editor) -> None:
    document = editor.open(TWO)
    answer = plain(await document.command("fillmask.fill", position=at(document, MASK), word="Hauptstadt"))
    assert answer == {"applied": True, "words": ["Hauptstadt"]}
    assert document.text == TWO.replace(MASK, "Hauptstadt", 1)
    answer = plain(await document.command("fillmask.fill", position=at(document, MASK)))
    assert answer == {"applied": True, "words": ["house"]}
    assert document.text == "🙂 Paris is the Hauptstadt of house."


async def test_fill_all_fills_a_range_or_the_document(editor: Editor) -> None:
    document = editor.open(f"{TWO}\n\n{TWO}\n\n{MASK}\n")
    line = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    answer = plain(await document.command("fillmask.fillAll", range=line))
    assert answer["words"] == ["house", "river"]
    assert document.text.count(MASK) == 3
    await document.command("fillmask.fillAll")
    assert MASK not in document.text


async def test_fill_all_fills_the_masks_of_a_passage_together(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open(f"She played the {MASK} {MASK} in the orchestra.")
    await document.command("fillmask.fillAll")
    assert document.text == "She played the house river in the orchestra."
    [question] = engine.questions(FillQuestion)
    assert question.text == "She played the [MASK] [MASK] in the orchestra."


async def begin_filling(editor: Editor, engine: ScriptedEngine) -> tuple[Document, asyncio.Task[Any], Any]:
    """Begin to fill twenty masks, with held answers; return the document, the task and the progress bar's token."""
    await editor.wait_for_model()
    engine.hold(FillQuestion)
    document = editor.open(f"The {MASK} was {MASK}.\n\n" * 10)
    filling = asyncio.ensure_future(document.command("fillmask.fillAll"))
    await engine.wait_until(lambda: bool(engine.questions(FillQuestion)))
    bars = editor.client.progress_reports
    await editor.wait_until(lambda: any(reports and reports[0].title == "Filling blanks" for reports in bars.values()))
    [token] = [token for token, reports in bars.items() if reports and reports[0].title == "Filling blanks"]
    assert (bars[token][0].message, bars[token][0].cancellable) == ("0 of 20", True)
    return document, filling, token


async def test_filling_many_masks_shows_its_progress(vscode: Editor, engine: ScriptedEngine) -> None:
    document, filling, token = await begin_filling(vscode, engine)
    await engine.release()
    await filling
    assert MASK not in document.text
    await vscode.settle()
    reports = vscode.client.progress_reports[token]
    percentages = [report.percentage for report in reports[1:-1]]
    assert percentages == sorted(set(percentages))
    assert len(percentages) > 2
    assert percentages[-1] == 100
    assert reports[-1].message == "20 of 20 filled"


async def test_filling_many_masks_can_be_cancelled_by_its_progress_bar(vscode: Editor, engine: ScriptedEngine) -> None:
    document, filling, token = await begin_filling(vscode, engine)
    vscode.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    with pytest.raises(JsonRpcException, match="cancel"):
        await filling
    assert document.text.count(MASK) == 20
    assert engine.questions(FillQuestion) != []
    assert not any(isinstance(question, FillQuestion) for question in engine.answered)
    await vscode.settle()
    assert vscode.client.progress_reports[token][-1].message == "not filled"


async def test_fill_all_is_refused_if_the_client_cannot_apply_edits(connect: Connect) -> None:
    editor = await connect(types.ClientCapabilities())
    with pytest.raises(JsonRpcException, match="changes"):
        await editor.open(TWO).command("fillmask.fillAll")
