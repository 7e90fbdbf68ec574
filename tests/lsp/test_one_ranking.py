"""All features show the same words for a mask, in the same order and with the same probabilities."""

from __future__ import annotations

import asyncio
import json
import random
import re
from pathlib import Path

import pytest
from lsprotocol import types

from fillmask_ls import MASK, mlm
from fillmask_ls.cli import main
from lsp.editor import Document, Editor

SENTENCES = (
    f"The patient was taken to the {MASK} by ambulance.",
    f"We moved the service to Kubernetes last year, and the {MASK} cluster has been stable since.",
    f"If the printer does not start, check the {MASK}",
    f"The {MASK} drank a cup of {MASK} with milk.",
    f"Anesthesiologists said that the {MASK} was on call.",
    "Nothing else happened on that day, which was warm and long.",
    "She had lived near the harbour for most of her life, with two cats and a piano.",
)


def random_text(seed: int) -> str:
    """Return paragraphs of random sentences, one with a mask among them, some too far apart for one passage."""
    choose = random.Random(seed)
    sentences = [choose.choice(SENTENCES) for _ in range(choose.randrange(1, 25))]
    sentences.insert(choose.randrange(len(sentences) + 1), choose.choice(SENTENCES[:5]))
    return "".join(sentence + choose.choice([" ", " ", "\n", "\n\n"]) for sentence in sentences)


Ranking = list[tuple[str, str]]
"""Words, each with its probability as it is shown."""


def rows(markdown: str) -> Ranking:
    return re.findall(r"^\| \d+ \| (\S+) \| ([^|]+ %) \|", markdown, re.MULTILINE)


def parse_percent(shown: str) -> float:
    return float(shown.removesuffix(" %").removeprefix("< ")) / 100


async def popup(document: Document, cursor: int) -> Ranking:
    document.cursor = cursor
    items = await document.complete() or []
    return [(item.label, str(item.detail)) for item in items if item.detail != "all blanks together"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
async def test_all_features_show_one_ranking_of_a_mask(
    bert: Editor, seed: int, model: mlm.MaskedLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = random_text(seed)
    starts = [match.start() for match in re.finditer(re.escape(MASK), text)]
    start = random.Random(seed).choice(starts)
    document = bert.open(text)
    identifier, position = types.TextDocumentIdentifier(document.uri), document.position(start + len(MASK))

    early = await popup(document, start + len(MASK))
    shown = await bert.client.text_document_hover_async(types.HoverParams(identifier, document.position(start + 2)))
    assert shown
    hover = rows(shown.contents.value)  # type: ignore[union-attr]
    assert len(hover) == 5
    later = await popup(document, start + len(MASK))
    assert [row for row in later if row in early] == early[: len([row for row in early if row in later])]
    assert later[:5] == hover

    params = types.InlayHintParams(identifier, document.range())
    hints = {
        document.index(hint.position): hint for hint in await bert.client.text_document_inlay_hint_async(params) or []
    }
    best, probability = hover[0]
    if start + len(MASK) in hints:
        hint = hints[start + len(MASK)]
        assert hint.label == f"{best} {probability}"
        assert rows(hint.tooltip.value) == hover  # type: ignore[union-attr]
    else:
        assert "<" in probability or float(probability.removesuffix(" %")) < 10

    inline = await bert.client.text_document_inline_completion_async(
        types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic), identifier, position
        )
    )
    assert isinstance(inline, list)
    assert inline[0].insert_text == best

    symbols = await bert.client.text_document_document_symbol_async(types.DocumentSymbolParams(identifier)) or []
    [detail] = [
        symbol.detail
        for symbol in symbols
        if isinstance(symbol, types.DocumentSymbol) and document.index(symbol.selection_range.start) == start
    ]
    assert detail == ", ".join(f"{word} {share}" for word, share in hover[:3])

    at_mask = types.Range(position, position)
    actions = await bert.client.text_document_code_action_async(
        types.CodeActionParams(identifier, at_mask, types.CodeActionContext([], only=["quickfix"]))
    )
    assert [action.title for action in actions or []] == [f"Fill with “{word}” ({share})" for word, share in hover[:3]]

    result = await document.command("fillmask.fill", position={"line": position.line, "character": position.character})
    assert result["words"] == [best]

    file = tmp_path / "text.txt"
    file.write_text(text, encoding="utf-8")
    options = ["predict", str(file), "--top-k", "5", "--format", "jsonl"]
    assert await asyncio.to_thread(main, options, load_model=lambda _: model) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [candidates] = [
        record["candidates"]
        for record in found
        if (record["line"], record["column"]) == (position.line + 1, position.character - len(MASK) + 1)
    ]
    # In bfloat16 a probability changes a little with the masks that are computed together.
    probabilities = {candidate["word"]: candidate["probability"] for candidate in candidates}
    assert candidates[0]["word"] == best
    assert abs(probabilities[best] - parse_percent(probability)) < 0.02
    assert len(probabilities.keys() & dict(hover).keys()) >= 4
