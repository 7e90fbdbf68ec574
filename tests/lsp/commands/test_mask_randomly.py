"""``fillmask.maskRandomly`` and ``fillmask.unmask``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fillmask_ls import MASK
from fillmask_ls.engine.api import SampleMaskQuestion
from lsp.editor import Editor
from scripted_engine import ScriptedEngine

TEXT = "The quick brown fox jumps over the lazy dog, and it runs away. 🙂 " * 5


def plain(answer: object) -> Any:
    """Return an answer as a script that reads JSON sees it."""
    return json.loads(json.dumps(answer, default=vars))


async def test_one_seed_masks_the_same_words(editor: Editor, engine: ScriptedEngine) -> None:
    texts = []
    for _ in range(2):
        document = editor.open(TEXT)
        answer = plain(await document.command("fillmask.maskRandomly", rate=0.3, seed=7))
        assert answer["seed"] == 7
        assert document.text.count(MASK) == len(answer["words"]) > 5
        texts.append(document.text)
    assert texts[0] == texts[1]
    assert {question.rate for question in engine.questions(SampleMaskQuestion)} == {0.3}


async def test_the_embedded_model_masks_whole_words(bert: Editor) -> None:
    document = bert.open(TEXT)
    answer = plain(await document.command("fillmask.maskRandomly", rate=0.3, seed=7))
    assert document.text.count(MASK) == len(answer["words"]) > 5
    await document.command("fillmask.unmask")
    assert document.text == TEXT


async def test_a_rate_of_zero_masks_nothing(editor: Editor) -> None:
    document = editor.open(TEXT)
    await document.command("fillmask.maskRandomly", rate=0.0)
    assert document.text == TEXT


async def test_unmask_restores_the_words_after_other_edits(editor: Editor) -> None:
    text = "The quick brown fox jumps over the lazy dog.\n\nIt runs away from what it saw there. 🙂\n"
    document = editor.open(text)
    await document.command("fillmask.maskRandomly", rate=0.4, seed=5)
    assert document.text.count(MASK) > 4
    document.cursor = 0
    document.type("Yesterday ")
    answer = plain(await document.command("fillmask.unmask"))
    assert answer["words"]
    assert document.text == "Yesterday " + text


async def test_a_range_that_cuts_words_masks_them_whole(vscode: Editor) -> None:
    document = vscode.open("The quick brown fox")
    await document.command("fillmask.maskRandomly", range=document.range("ick bro"), rate=1.0)
    assert document.text == "The [MASK] [MASK] fox"


async def test_at_least_one_word_is_masked(vscode: Editor) -> None:
    for seed in range(10):
        document = vscode.open("quick brown.")
        await document.command("fillmask.maskRandomly", rate=0.01, seed=seed)
        assert document.text in ("[MASK] brown.", "quick [MASK].")


@pytest.mark.parametrize(
    "kept",
    ["`code here`", "john@example.com", "https://example.com/foo", "C:\\folder", "file_name.txt", "x=y", "$a+b$"],
)
async def test_addresses_and_inline_code_are_not_masked(vscode: Editor, kept: str) -> None:
    document = vscode.open(f"See {kept} for well-known news.", "markdown")
    await document.command("fillmask.maskRandomly", rate=1.0)
    assert document.text == f"[MASK] {kept} [MASK] [MASK]-[MASK] [MASK]."
