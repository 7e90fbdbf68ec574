"""``textDocument/hover`` over a word: its surprisal, and the expected words."""

from __future__ import annotations

import json
import re
from math import log2

import pytest
import pytest_asyncio
from lsprotocol import types

from fillmask_ls.mlm.checkpoint import EMBEDDED
from lsp.conftest import Connect
from lsp.editor import Editor

TEXT = "😀 Paris is the capital of banana."
SETTINGS = {"fillmask": {"hover": {"words": True, "subwords": True, "topK": 4}}}


@pytest_asyncio.fixture(params=["neovim", "emacs"])
async def editor(request: pytest.FixtureRequest, connect: Connect) -> Editor:
    return await connect(request.param, configuration=SETTINGS)


@pytest_asyncio.fixture(params=["neovim", "emacs"])
async def bert(request: pytest.FixtureRequest, connect: Connect) -> Editor:
    return await connect(request.param, configuration=SETTINGS, local=None)


async def shown(editor: Editor, text: str, at: str, language: str = "plaintext") -> str | None:
    hover = await editor.open(text, language).hover(at)
    assert hover is None or isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value if hover else None


async def test_hover_shows_the_surprisal_and_the_expected_words(bert: Editor) -> None:
    document = bert.open(TEXT)
    hover = await document.hover("banana")
    assert hover is not None
    assert hover.range is not None
    assert document.text_in(hover.range) == "banana"
    assert isinstance(hover.contents, types.MarkupContent)
    text = hover.contents.value
    if hover.contents.kind == types.MarkupKind.Markdown:
        text = text.replace("\\", "")
        assert text.startswith("**banana** ")
    else:
        assert not re.search(r"[*|\\]", text)
        assert text.startswith("banana: ")
    rows = re.findall(r"^(?:\| \d \| )?(\w+) (?:\| | +)([\d.]+) % ", text, re.MULTILINE)
    assert len(rows) == 4
    assert rows[0][0] == "France"
    match = re.search(r"([\d.]+) bits\), probability < 0.1 %", text)
    assert match is not None
    assert float(match[1]) > log2(1000)
    assert re.search(r"(?:Pieces|Subwords): banana \d+\n", text)
    assert text.rstrip("*").endswith("Model: small built-in model")


async def test_the_surprisal_agrees_with_the_probability(bert: Editor) -> None:
    text = await shown(bert, TEXT, "capital")
    assert text is not None
    [(bits, percent)] = re.findall(r"([\d.]+) bits\), probability ([\d.]+) %", text.replace("\\", ""))
    assert 2 ** -float(bits) == pytest.approx(float(percent) / 100, rel=0.1)


async def test_a_word_with_markup_inside_is_one_word(editor: Editor) -> None:
    document = editor.open("# Title\n\nIt was un**believ**ably *warm* that\nsummer, *and* we swam.\n", "markdown")
    hover = await document.hover("believ")
    assert hover is not None
    assert hover.range is not None
    assert document.text_in(hover.range) == "un**believ**ably"
    assert "unbelievably" in str(hover.contents)


@pytest.mark.parametrize(
    ("text", "at", "language"),
    [
        ("Call `print` to see it.", "print", "markdown"),
        ("```sh\nmake install\n```\n", "install", "markdown"),
        ("Some {word} here, \\texttt{other code} there.", "other code", "latex"),
        ("number = count + 1  # Add one.\n", "number", "python"),
        ("What is, is.", ", ", "plaintext"),
        ("", "", "plaintext"),
    ],
)
async def test_code_and_gaps_between_words_have_no_hover(editor: Editor, text: str, at: str, language: str) -> None:
    assert await shown(editor, text, at, language) is None


async def test_words_of_a_comment_are_prose(editor: Editor) -> None:
    text = await shown(editor, "number = count + 1  # Add one to the banana.\n", "banana", "python")
    assert text is not None
    assert "banana" in text


async def test_a_mask_is_not_a_word(editor: Editor) -> None:
    text = await shown(editor, "Paris is the [MASK] of France.", "[MASK]")
    assert text is not None
    assert "like choosing among" in text


async def test_hover_over_words_is_off_by_default(connect: Connect) -> None:
    editor = await connect(types.ClientCapabilities())
    assert await shown(editor, TEXT, "banana") is None
    editor.push_settings({"fillmask": {"hover": {"words": True}}})
    text = await shown(editor, TEXT, "banana")
    assert text is not None
    assert not re.search("Pieces|Subwords", text)


async def test_hover_over_a_mask_shows_the_subwords_of_each_word(bert: Editor) -> None:
    vocabulary = json.loads((EMBEDDED / "tokenizer.json").read_text())["model"]["vocab"]
    text = await shown(bert, "Paris is the capital of [MASK].", "[MASK]")
    assert text is not None
    lines = [line for line in text.replace("\\", "").splitlines() if " % " in line]
    assert len(lines) == 4
    for line in lines:
        word, subword, id = re.fullmatch(r"(?:\| \d \| )?(\S+) .* (\S+) (\d+)(?: \|)?", line).groups()  # type: ignore[union-attr]
        assert word.casefold() == subword
        assert vocabulary[subword] == int(id)
