"""A person at work: types, corrects, accepts, fills, hides and takes back, and the document is what it should be.

A session is played from its seed, as fast as the server takes it; twenty minutes of typing are some 6,000 keys.
"""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from lsp.conftest import Connect
from lsp.editor import Document, Editor, start_program, stop

WORDS = [
    "the",
    "river",
    "was",
    "cold",
    "and",
    "she",
    "walked",
    "home",
    "before",
    "it",
    "rained,",
    "🙂",
    "naïve",
    "café",
    "中文",
    "don't",
    "stop.",
]


class Typist:
    """Plays a session; its document's own text is the plain model of the edits."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self.chance = random.Random(seed)
        self.document = editor.open("|", "markdown")
        self.keys = 0
        self.asked: list[str] = []

    async def play(self, keys: int) -> None:
        steps = (
            self.write,
            self.write,
            self.write,
            self.mask,
            self.correct,
            self.jump,
            self.act,
            self.hide,
            self.paste,
        )
        while self.keys < keys:
            await self.chance.choice(steps)()
            if self.chance.random() < 0.1:
                await self.check()
        await self.check()

    def type(self, text: str) -> None:
        """Each key with what an editor asks for at it; the next key cancels it."""
        for key in text:
            self.document.type(key)
            self.keys += 1
            client, identifier = self.document.editor.client, types.TextDocumentIdentifier(self.document.uri)
            for earlier in self.asked:
                client.cancel_request(types.CancelParams(earlier))
            self.asked = [f"{self.keys} completion", f"{self.keys} hints"]
            at, whole = self.document.position(self.document.cursor), self.document.range()
            ask = client.protocol.send_request
            ask(types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(identifier, at), msg_id=self.asked[0])
            ask(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(identifier, whole), msg_id=self.asked[1])

    async def write(self) -> None:
        self.type(
            " ".join(self.chance.choices(WORDS, k=self.chance.randint(1, 8))) + self.chance.choice([" ", "\n", "\n\n"])
        )
        await asyncio.sleep(0)

    async def mask(self) -> None:
        self.type(f" {MASK}")
        items = await self.document.complete()
        assert items
        if self.chance.random() < 0.7:
            item = self.chance.choice(items)
            assert isinstance(item.text_edit, types.TextEdit)
            place = item.text_edit.range
            before = self.document.accepted(item)
            self.document.edit(types.WorkspaceEdit(changes={self.document.uri: [item.text_edit]}))
            assert self.document.text == before
            self.document.cursor = self.document.index(place.start) + len(item.text_edit.new_text)
        self.type(" ")

    async def correct(self) -> None:
        start = self.between_lines(max(0, self.document.cursor - self.chance.randint(1, 12)))
        self.replace(start, self.document.cursor, "")

    async def jump(self) -> None:
        length = len(self.document.text)
        self.document.cursor = self.between_lines(self.chance.choice([self.chance.randint(0, length), length]))

    def between_lines(self, index: int) -> int:
        """The index, or that before it: no editor has its cursor in the midst of a line end."""
        return index - (self.document.text[max(0, index - 1) : index + 1] == "\r\n")

    async def paste(self) -> None:
        start = self.document.cursor
        end = self.between_lines(min(len(self.document.text), start + self.chance.randint(0, 5)))
        self.replace(start, end, f"A {MASK} [MAS K] {MASK}\r\n")

    async def act(self) -> None:
        if MASK not in self.document.text:
            return
        actions = list((await self.document.actions("MASK|")).values())
        await self.document.act(self.chance.choice(actions))
        self.document.cursor = len(self.document.text)

    async def hide(self) -> None:
        """Hide words at random in the last lines, and put them back."""
        text = self.document.text
        start = text.rfind("\n", 0, max(0, len(text) - 300)) + 1
        with suppress(JsonRpcException):  # where there is nothing to hide
            await self.document.command(
                "fillmask.maskRandomly",
                rate=0.2,
                seed=self.chance.randrange(100),
                range=from_to_end(self.document, start),
            )
        if MASK not in text[start:] and "\r" not in text[start:]:
            await self.document.command("fillmask.unmask", range=from_to_end(self.document, start))
            assert self.document.text == text
        self.document.cursor = len(self.document.text)

    def replace(self, start: int, end: int, text: str) -> None:
        place = types.Range(self.document.position(start), self.document.position(end))
        start, end = self.document.index(place.start), self.document.index(place.end)
        self.document.edit(types.WorkspaceEdit(changes={self.document.uri: [types.TextEdit(place, text)]}))
        self.document.cursor = start + len(text)
        self.keys += 1

    async def check(self) -> None:
        """The server sees every mask where the plain model has it."""
        params = types.SemanticTokensParams(types.TextDocumentIdentifier(self.document.uri))
        found = await self.document.editor.client.text_document_semantic_tokens_full_async(params)
        assert found is not None
        seen, line, column = [], 0, 0
        for lines, columns in zip(found.data[::5], found.data[1::5], strict=True):
            line, column = line + lines, columns if lines else column + columns
            seen.append(types.Position(line, column))
        assert seen == [
            self.document.position(mask.start()) for mask in re.finditer(re.escape(MASK), self.document.text)
        ]


async def play(editor: Editor, seed: int, keys: int) -> None:
    """Play a session, and compare the server's text with the plain model's."""
    typist = Typist(editor, seed)
    await typist.play(keys)
    await words_are_the_same(typist.document)
    assert editor.messages == []


async def words_are_the_same(document: Document) -> None:
    """The server's text is the plain model's, word by word: the last lines, which cost least to score."""
    start = document.index(document.position(max(0, len(document.text) - 300)))
    answer = await document.command("fillmask.score", range=from_to_end(document, start))
    text = document.text[start:]
    words = answer["words"] if isinstance(answer, dict) else answer.words
    for word in words:
        found, (low, high) = (word["text"], word["span"]) if isinstance(word, dict) else (word.text, word.span)
        assert text[low:high] == found


def from_to_end(document: Document, start: int) -> dict[str, dict[str, int]]:
    """The range from an index to the end of the document, in JSON's types."""
    ends = {"start": document.position(start), "end": document.position(len(document.text))}
    return {end: {"line": at.line, "character": at.character} for end, at in ends.items()}


@pytest.mark.parametrize("client", ["vscode", "neovim"])
async def test_a_few_minutes_of_typing_keep_the_text_right(connect: Connect, client: str) -> None:
    await play(await connect(client), seed=1, keys=400)


@pytest.mark.process
async def test_a_minute_of_typing_with_the_program() -> None:
    editor = await start_program("neovim")
    try:
        await editor.loaded()
        await play(editor, seed=1, keys=200)
    finally:
        await stop(editor)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_twenty_minutes_of_typing_with_the_program() -> None:
    editor = await start_program("vscode")
    try:
        await editor.loaded()
        await play(editor, seed=2, keys=6000)
    finally:
        await stop(editor)
