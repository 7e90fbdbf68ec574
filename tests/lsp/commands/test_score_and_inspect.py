"""``fillmask.score`` and ``fillmask.inspect``."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine.api import InspectQuestion, ScoreQuestion
from lsp.editor import Editor
from scripted_engine import ScriptedEngine


def plain(answer: object) -> Any:
    """Return an answer as a script that reads JSON sees it."""
    return json.loads(json.dumps(answer, default=vars))


async def test_score_of_the_embedded_model_is_the_pseudo_log_likelihood(bert: Editor) -> None:
    document = bert.open("x")
    good, bad = [
        plain(await document.command("fillmask.score", text=text))
        for text in ("The cat sat on the mat.", "The cat sat on the of.")
    ]
    assert good["pseudoLogLikelihood"] > bad["pseudoLogLikelihood"]
    assert [word["text"] for word in good["words"]] == ["The", "cat", "sat", "on", "the", "mat"]
    assert good["perplexity"] == pytest.approx(math.exp(-good["pseudoLogLikelihood"] / good["tokens"]))


async def test_score_takes_a_range_of_the_document_and_a_metric(vscode: Editor, engine: ScriptedEngine) -> None:
    document = vscode.open("First line here.\nThe cat sat on the mat.\n")
    line = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
    answer = plain(await document.command("fillmask.score", range=line, metric="original"))
    assert [word["text"] for word in answer["words"]] == ["The", "cat", "sat", "on", "the", "mat"]
    assert engine.questions(ScoreQuestion) == [ScoreQuestion("The cat sat on the mat.", "original")]


async def test_inspect_returns_the_inspection_of_the_embedded_model(bert: Editor) -> None:
    document = bert.open("The cat sat on the mat.")
    answer = plain(await document.command("fillmask.inspect", rate=0.5, seed=3))
    assert [token["token"] for token in answer["tokens"]][1:4] == ["the", "cat", "sat"]
    assert answer["seed"] == 3
    assert answer["perplexity"] == pytest.approx(math.exp(answer["loss"]))


async def test_inspect_passes_its_arguments_to_the_engine(vscode: Editor, engine: ScriptedEngine) -> None:
    document = vscode.open("The cat sat on the mat.")
    await document.command("fillmask.inspect", rate=0.5, seed=3, wholeWords=True)
    assert engine.questions(InspectQuestion) == [InspectQuestion("The cat sat on the mat.", 0.5, 3, True)]


async def test_inspect_as_a_page_or_markdown_is_escaped(bert: Editor) -> None:
    document = bert.open("The <b>cat</b> sat on the mat.")
    html = plain(await document.command("fillmask.inspect", rate=0.5, seed=3, format="html"))["content"]
    assert html.startswith("<!DOCTYPE html>")
    assert "<b>cat" not in html
    markdown = plain(await document.command("fillmask.inspect", rate=0.5, seed=3, format="markdown"))["content"]
    assert "| " in markdown
    assert "<b>" not in markdown


LONG = "The cat sat on the mat.\n" * 100


@pytest.mark.parametrize(
    ("command", "title", "question"),
    [("score", "Scoring words", ScoreQuestion), ("inspect", "Predicting masked words", InspectQuestion)],
)
async def test_a_long_text_shows_its_progress_in_percent(
    command: str, title: str, question: type[Any], vscode: Editor, engine: ScriptedEngine
) -> None:
    document = vscode.open(LONG)
    await vscode.wait_for_model()
    await document.command(f"fillmask.{command}")
    await vscode.settle()
    [(begin, *reports, end)] = [bar for bar in vscode.client.progress_reports.values() if bar and bar[0].title == title]
    assert (begin.percentage, begin.cancellable) == (0, True)
    assert [report.percentage for report in reports] == list(range(101))
    assert end.message == "done"


async def test_a_long_score_is_cancelled_by_its_progress_bar(vscode: Editor, engine: ScriptedEngine) -> None:
    document = vscode.open(LONG)
    await vscode.wait_for_model()
    engine.hold(ScoreQuestion)
    scoring = asyncio.ensure_future(document.command("fillmask.score"))
    await engine.wait_until(lambda: bool(engine.questions(ScoreQuestion)))
    bars = vscode.client.progress_reports
    [token] = [token for token, reports in bars.items() if reports and reports[0].title == "Scoring words"]
    vscode.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    with pytest.raises(JsonRpcException, match="cancel"):
        await scoring
    await vscode.settle()
    assert bars[token][-1].message == "cancelled"
    assert not any(isinstance(question, ScoreQuestion) for question in engine.answered)


async def test_a_short_text_shows_no_progress_bar(vscode: Editor) -> None:
    document = vscode.open("The cat sat on the mat.")
    await vscode.wait_for_model()
    await document.command("fillmask.score")
    await vscode.settle()
    assert not [bar for bar in vscode.client.progress_reports.values() if bar and bar[0].title == "Scoring words"]
