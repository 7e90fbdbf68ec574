"""Commands: what a menu or a script asks for by name."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from lsp.editor import Document, Editor, start, stop

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO = f"🙂 Paris is the {MASK} of {MASK}."


def at(document: Document, of: str) -> dict[str, int]:
    place = document.range(of).end
    return {"line": place.line, "character": place.character}


def plain(answer: object) -> Any:
    """As a script that reads JSON sees it."""
    return json.loads(json.dumps(answer, default=vars))


async def test_fill_puts_the_best_word_or_the_one_that_is_given(editor: Editor) -> None:
    document = editor.open(TWO)
    answer = plain(await document.command("fillmask.fill", position=at(document, MASK), word="Hauptstadt"))
    assert answer == {"applied": True, "words": ["Hauptstadt"]}
    assert document.text == TWO.replace(MASK, "Hauptstadt", 1)
    await document.command("fillmask.fill", position=at(document, MASK))
    assert MASK not in document.text


async def test_fill_all_fills_a_range_or_the_document(editor: Editor) -> None:
    document = editor.open(f"{TWO}\n\n{TWO}\n\n{MASK}\n")
    line = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    answer = plain(await document.command("fillmask.fillAll", range=line))
    assert len(answer["words"]) == 2
    assert document.text.count(MASK) == 3
    await document.command("fillmask.fillAll")
    assert MASK not in document.text


@pytest.mark.parametrize("press", [False, True])
async def test_how_it_goes_with_many_masks_is_shown_and_can_be_cancelled(vscode: Editor, press: bool) -> None:
    # Each time another text: what was found before would be there at once.
    document = vscode.open(f"The {MASK} was {MASK}{'!' if press else '.'}\n\n" * 10)
    filling = asyncio.ensure_future(document.command("fillmask.fillAll"))
    bars = vscode.client.progress_reports

    def of_the_filling(reports: list[Any]) -> bool:
        return bool(reports) and reports[0].title == "Filling masks" and reports[-1].kind != "end"

    while not (bar := next((bar for bar, reports in bars.items() if of_the_filling(reports)), None)):
        await asyncio.sleep(0.01)
    if press:
        vscode.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(bar))
        with pytest.raises(JsonRpcException, match="canceled"):
            await filling
        assert document.text.count(MASK) == 20
    else:
        await filling
        assert MASK not in document.text
        percentages = [report.percentage for report in bars[bar][1:-1]]
        assert percentages == sorted(set(percentages))
        assert len(percentages) > 2
        assert percentages[-1] == 100
    assert (bars[bar][0].message, bars[bar][0].cancellable) == ("0 of 20", True)
    assert bars[bar][-1].message == ("not filled" if press else "20 of 20 filled")


async def test_masks_agree_with_each_other(vscode: Editor) -> None:
    document = vscode.open(f"She played the {MASK} {MASK} in the orchestra.")
    answer = plain(await document.command("fillmask.fillAll"))
    first, second = answer["words"]
    assert document.text == f"She played the {first} {second} in the orchestra."


async def test_mask_randomly_is_the_same_for_the_same_seed(editor: Editor) -> None:
    text = "The quick brown fox jumps over the lazy dog, and it runs away. 🙂 " * 5
    seen = []
    for _ in range(2):
        document = editor.open(text)
        answer = plain(await document.command("fillmask.maskRandomly", rate=0.3, seed=7))
        assert answer["seed"] == 7
        assert document.text.count(MASK) == len(answer["words"]) > 5
        seen.append(document.text)
    assert seen[0] == seen[1]
    document = editor.open(text)
    await document.command("fillmask.maskRandomly", rate=0.0)
    assert document.text == text


async def test_score_is_the_pseudo_log_likelihood(vscode: Editor) -> None:
    document = vscode.open("x")
    good, bad = [
        plain(await document.command("fillmask.score", text=text))
        for text in ("The cat sat on the mat.", "The cat sat on the of.")
    ]
    assert good["pseudoLogLikelihood"] > bad["pseudoLogLikelihood"]
    assert [word["text"] for word in good["words"]] == ["The", "cat", "sat", "on", "the", "mat"]
    assert good["perplexity"] == pytest.approx(math.exp(-good["pseudoLogLikelihood"] / good["tokens"]))


async def test_score_of_a_range_of_the_document(vscode: Editor) -> None:
    document = vscode.open("First line here.\nThe cat sat on the mat.\n")
    line = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
    answer = plain(await document.command("fillmask.score", range=line))
    assert [word["text"] for word in answer["words"]] == ["The", "cat", "sat", "on", "the", "mat"]


async def test_inspect_is_the_walk_of_the_notebook(vscode: Editor) -> None:
    document = vscode.open("The cat sat on the mat.")
    answer = plain(await document.command("fillmask.inspect", rate=0.5, seed=3))
    assert [token["token"] for token in answer["tokens"]][1:4] == ["the", "cat", "sat"]
    assert answer["seed"] == 3
    assert answer["perplexity"] == pytest.approx(math.exp(answer["loss"]))


async def test_inspect_as_a_page_and_as_markdown(vscode: Editor) -> None:
    document = vscode.open("The <b>cat</b> sat on the mat.")
    html = plain(await document.command("fillmask.inspect", rate=0.5, seed=3, format="html"))["content"]
    assert html.startswith("<!DOCTYPE html>")
    assert "<b>cat" not in html
    markdown = plain(await document.command("fillmask.inspect", rate=0.5, seed=3, format="markdown"))["content"]
    assert "| " in markdown
    assert "<b>" not in markdown


async def test_status_says_which_model_answers(vscode: Editor) -> None:
    document = vscode.open(f"It was a {MASK} day.")
    await document.hover(MASK)
    params = types.ExecuteCommandParams("fillmask.status")
    answer = plain(await vscode.client.workspace_execute_command_async(params))
    assert (answer["state"], answer["model"]) == ("ready", "embedded")


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("fillmask.fill", {}),
        ("fillmask.fill", {"position": {"line": "x", "character": 0}}),
        ("fillmask.fill", {"position": {"line": 0, "character": 0}}),
        ("fillmask.fill", {"position": None}),
        ("fillmask.fillAll", {"uri": 5}),
        ("fillmask.fillAll", {"uri": "file:///not/open"}),
        ("fillmask.fillAll", {"range": []}),
        ("fillmask.maskRandomly", {"rate": 2}),
        ("fillmask.maskRandomly", {"rate": True}),
        ("fillmask.maskRandomly", {"seed": -1}),
        ("fillmask.maskRandomly", {"wholeWords": "yes"}),
        ("fillmask.score", {"form": "x"}),
        ("fillmask.score", {"text": 5}),
        ("fillmask.inspect", {"format": "pdf"}),
        ("fillmask.nonsense", {}),
    ],
)
async def test_wrong_arguments_are_refused_in_words(vscode: Editor, command: str, argument: dict[str, Any]) -> None:
    document = vscode.open(f"Nothing at the start, {MASK} here.")
    with pytest.raises(JsonRpcException) as error:
        await document.command(command, **argument)
    assert error.value.code == -32602
    assert document.text == f"Nothing at the start, {MASK} here."


@pytest.mark.parametrize("arguments", [[1], ["x"], [None], [{}, {}], [[]]])
async def test_a_command_takes_one_object(vscode: Editor, arguments: list[Any]) -> None:
    params = types.ExecuteCommandParams("fillmask.fillAll", arguments)
    with pytest.raises(JsonRpcException, match=r"one object|'uri'"):
        await vscode.client.workspace_execute_command_async(params)


async def test_a_client_that_makes_no_edits_is_told_so() -> None:
    old = await start(types.ClientCapabilities())
    try:
        with pytest.raises(JsonRpcException, match="makes no edits"):
            await old.open(TWO).command("fillmask.fillAll")
    finally:
        await stop(old)


async def test_what_was_masked_at_random_is_unmasked(editor: Editor) -> None:
    text = "The quick brown fox jumps over the lazy dog.\n\nIt runs away from what it saw there. 🙂\n"
    document = editor.open(text)
    await document.command("fillmask.maskRandomly", rate=0.4, seed=5)
    assert document.text.count(MASK) > 4
    document.cursor = 0
    document.type("Yesterday ")
    answer = plain(await document.command("fillmask.unmask"))
    assert answer["words"]
    assert document.text == "Yesterday " + text
