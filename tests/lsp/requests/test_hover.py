"""``textDocument/hover`` over a mask."""

from __future__ import annotations

import re

import pytest
from lsprotocol import types

from lsp.conftest import Connect
from lsp.editor import Editor
from scripted_engine import ScriptedEngine

ROW = re.compile(r"^(?:\| \d \| )?(\w+) (?:\| | +)([\d.]+) % (?:\| )?([█▉▊▋▌▍▎▏]+)(?: \|)?$", re.MULTILINE)


def content(hover: types.Hover | None) -> types.MarkupContent:
    assert hover is not None
    assert isinstance(hover.contents, types.MarkupContent)
    return hover.contents


async def test_hover_shows_the_best_five_words_and_the_entropy(editor: Editor) -> None:
    document = editor.open("😀 The [MASK] was taken to the [MASK] by ambulance.\n\nOther [MASK].")
    hover = await document.hover("[MASK] by")
    text = content(hover).value
    rows = ROW.findall(text)
    assert [(word, percent) for word, percent, _ in rows] == [
        ("house", "50.0"),
        ("river", "25.0"),
        ("garden", "12.5"),
        ("street", "6.2"),
        ("winter", "3.1"),
    ]
    if content(hover).kind == types.MarkupKind.Markdown:
        assert text.startswith("**house** ")  # so that editors that show one line of a hover show the best word
        assert text.count("\n| ") == 6
    assert "small built-in model" in text
    assert "Blank 2 of 3" in text
    assert re.search(r"Fairly sure \(like choosing among 4 words\)", text)
    assert hover is not None
    assert hover.range is not None
    assert document.text_in(hover.range) == "[MASK]"
    assert document.index(hover.range.start) > 20


async def test_hover_asks_about_the_passage_and_the_mask_under_the_cursor(
    editor: Editor, engine: ScriptedEngine
) -> None:
    await editor.open("😀 The [MASK] was taken\nto the [MASK] by ambulance.").hover("[MASK] by")
    [question, _priority] = engine.received[-1]
    assert question.text == "😀 The [MASK] was taken to the [MASK] by ambulance."
    assert (question.masks, question.focus) == (((6, 12), (30, 36)), 1)


async def test_hover_away_from_masks_is_null(editor: Editor, engine: ScriptedEngine) -> None:
    assert await editor.open("The [MASK] was here.").hover("here") is None
    assert engine.received == []


async def test_clients_without_markdown_get_plain_text(connect: Connect) -> None:
    plain = await connect(types.ClientCapabilities())
    shown = content(await plain.open("The [MASK] was taken to the hospital.").hover("[MASK]"))
    assert shown.kind == types.MarkupKind.PlainText
    assert not re.search(r"[*|\\]", shown.value)
    assert re.match(r"\S+ +[\d.]+ % [█▉▊▋▌▍▎▏]", shown.value)
    assert len(shown.value.splitlines()) == 7


async def test_words_and_model_names_are_escaped(connect: Connect) -> None:
    evil = "<img src=x>|[a](command:x)`*_~"
    engine = ScriptedEngine([evil])
    editor = await connect("vscode", local=engine, options={"model": f"{evil}/model"})
    text = content(await editor.open("The [MASK] was here.").hover("[MASK]")).value
    assert evil.split("(")[0][1:4] in text
    assert re.sub(r"\\.", "", text).count("<") == 0
    assert not re.search(r"(?<!\\)[`\[\]<>~]", text)


async def test_the_embedded_model_predicts_the_right_word(bert: Editor) -> None:
    shown = content(await bert.open("The patient was taken to the [MASK] by ambulance.").hover("[MASK]"))
    assert shown.value.startswith("**hospital** ")
    assert "Model: small built-in model" in shown.value


@pytest.mark.parametrize("text", ["The [MASK] was here", "Nothing here"])
async def test_hover_outside_of_open_documents_is_null(vscode: Editor, text: str) -> None:
    document = vscode.open(text)
    document.uri = "file:///not/open"
    assert await document.hover("The" if "The" in text else "Nothing") is None


async def test_the_hover_says_once_that_the_model_is_english(editor: Editor) -> None:
    document = editor.open("Der Patient wurde mit dem Wagen ins [MASK] gebracht.")
    assert "reads English" in content(await document.hover("[MASK]")).value.replace("\\", "")
    assert "reads English" not in content(await document.hover("[MASK]")).value
    english = editor.open("The patient was taken to the [MASK] by ambulance.")
    assert "reads English" not in content(await english.hover("[MASK]")).value
