"""What a person reads over a mask."""

from __future__ import annotations

import re

import pytest
from lsprotocol import types

from lsp.editor import Editor, start, stop

pytestmark = pytest.mark.asyncio(loop_scope="session")


def content(hover: types.Hover | None) -> types.MarkupContent:
    assert hover is not None
    assert isinstance(hover.contents, types.MarkupContent)
    return hover.contents


async def test_a_table_of_the_best_five_and_how_sure_the_model_is(editor: Editor) -> None:
    document = editor.open("😀 The [MASK] was taken to the [MASK] by ambulance.\n\nOther [MASK].")
    hover = await document.hover("[MASK] by")
    text = content(hover).value
    rows = re.findall(r"^(?:\| \d \| )?(\w+) (?:\| | +)([\d.]+) % (?:\| )?([█▉▊▋▌▍▎▏]+)(?: \|)?$", text, re.MULTILINE)
    assert len(rows) == 5
    assert [float(percent) for _, percent, _ in rows] == sorted(
        (float(percent) for _, percent, _ in rows), reverse=True
    )
    if content(hover).kind == types.MarkupKind.Markdown:  # Emacs without markdown-mode can't show it
        assert text.startswith(f"**{rows[0][0]}** ")  # editors with one line for a hover show the answer
        assert text.count("\n| ") == 6
    assert "embedded" in text
    assert "Mask 2 of 3" in text
    bits, words = re.search(r"Entropy ([\d.]+) bits: as unsure as between ([\d,]+) words", text).groups()  # type: ignore[union-attr]
    assert 2 ** float(bits) == pytest.approx(int(words.replace(",", "")), rel=0.1)
    assert hover is not None
    assert hover.range is not None
    start, end = (document.index(position) for position in (hover.range.start, hover.range.end))
    assert document.text[start:end] == "[MASK]"
    assert start > 20


async def test_no_mask_no_hover(editor: Editor) -> None:
    assert await editor.open("The [MASK] was here.").hover("here") is None


async def test_plain_text_for_editors_that_can_not_show_markdown() -> None:
    plain = await start(types.ClientCapabilities())
    try:
        shown = content(await plain.open("The [MASK] was taken to the hospital.").hover("[MASK]"))
        assert shown.kind == types.MarkupKind.PlainText
        assert not re.search(r"[*|\\]", shown.value)
        assert re.match(r"\S+ +[\d.]+ % [█▉▊▋▌▍▎▏]", shown.value)
        assert len(shown.value.splitlines()) == 7
    finally:
        await stop(plain)


async def test_nothing_of_a_word_is_markup() -> None:
    from fillmask_ls.lsp.features.hover import hover

    from fillmask_ls.engine.api import Predictions
    from fillmask_ls.mlm.results import Candidate, Prediction

    place = types.Range(types.Position(0, 0), types.Position(0, 6))
    evil = "<img src=x>|[a](command:x)`*_~"
    ranking = Predictions(f"{evil}/model", (Prediction((0, 6), (Candidate(evil, 0.5),), 1.0),))
    text = content(hover(ranking, 0, place, markdown=True, subwords=True)).value
    assert re.sub(r"\\.", "", text).count("<") == 0
    assert not re.search(r"(?<!\\)[`\[\]<>~]", text)
