"""Random typing sessions: the server's document equals the client's after every kind of edit.

A session types, corrects, accepts completions, runs code actions, masks and restores words. It is determined by its seed
and runs as fast as the server; 6,000 keys are twenty minutes of typing.
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
    """Plays a session. The text of its document is the expected one."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self.dice = random.Random(seed)
        self.document = editor.open("|", "markdown")
        self.keys = 0
        self.pending: list[str] = []

    async def play(self, keys: int) -> None:
        steps = (
            self.write,
            self.write,
            self.write,
            self.mask,
            self.correct,
            self.jump,
            self.run_code_action,
            self.mask_randomly,
            self.paste,
        )
        while self.keys < keys:
            await self.dice.choice(steps)()
            if self.dice.random() < 0.1:
                await self.assert_same_masks()
        await self.assert_same_masks()

    def type(self, text: str) -> None:
        """Type a text. Each key cancels the requests of the previous key, and sends a completion and an inlay hint request."""
        for key in text:
            self.document.type(key)
            self.keys += 1
            client, identifier = self.document.editor.client, types.TextDocumentIdentifier(self.document.uri)
            for earlier in self.pending:
                client.cancel_request(types.CancelParams(earlier))
            self.pending = [f"{self.keys} completion", f"{self.keys} hints"]
            at, whole = self.document.position(self.document.cursor), self.document.range()
            send = client.protocol.send_request
            send(types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(identifier, at), msg_id=self.pending[0])
            send(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(identifier, whole), msg_id=self.pending[1])

    async def write(self) -> None:
        self.type(" ".join(self.dice.choices(WORDS, k=self.dice.randint(1, 8))) + self.dice.choice([" ", "\n", "\n\n"]))
        await asyncio.sleep(0)

    async def mask(self) -> None:
        self.type(f" {MASK}")
        items = await self.document.complete()
        assert items
        if self.dice.random() < 0.7:
            item = self.dice.choice(items)
            assert isinstance(item.text_edit, types.TextEdit)
            range_ = item.text_edit.range
            before = self.document.text_after_accepting(item)
            self.document.apply_edit(types.WorkspaceEdit(changes={self.document.uri: [item.text_edit]}))
            assert self.document.text == before
            self.document.cursor = self.document.index(range_.start) + len(item.text_edit.new_text)
        self.type(" ")

    async def correct(self) -> None:
        start = self.between_lines(max(0, self.document.cursor - self.dice.randint(1, 12)))
        self.replace(start, self.document.cursor, "")

    async def jump(self) -> None:
        length = len(self.document.text)
        self.document.cursor = self.between_lines(self.dice.choice([self.dice.randint(0, length), length]))

    def between_lines(self, index: int) -> int:
        """Return the index, or the one before it if it lies between CR and LF, where no editor puts a cursor."""
        return index - (self.document.text[max(0, index - 1) : index + 1] == "\r\n")

    async def paste(self) -> None:
        start = self.document.cursor
        end = self.between_lines(min(len(self.document.text), start + self.dice.randint(0, 5)))
        self.replace(start, end, f"A {MASK} [MAS K] {MASK}\r\n")

    async def run_code_action(self) -> None:
        if MASK not in self.document.text:
            return
        actions = list((await self.document.actions("MASK|")).values())
        await self.document.apply_action(self.dice.choice(actions))
        self.document.cursor = len(self.document.text)

    async def mask_randomly(self) -> None:
        """Mask words at random in the last lines, and restore them."""
        text = self.document.text
        start = text.rfind("\n", 0, max(0, len(text) - 300)) + 1
        with suppress(JsonRpcException):  # if there is no word to mask
            await self.document.command(
                "fillmask.maskRandomly",
                rate=0.2,
                seed=self.dice.randrange(100),
                range=range_to_end(self.document, start),
            )
        if MASK not in text[start:] and "\r" not in text[start:]:
            await self.document.command("fillmask.unmask", range=range_to_end(self.document, start))
            assert self.document.text == text
        self.document.cursor = len(self.document.text)

    def replace(self, start: int, end: int, text: str) -> None:
        range_ = types.Range(self.document.position(start), self.document.position(end))
        start, end = self.document.index(range_.start), self.document.index(range_.end)
        self.document.apply_edit(types.WorkspaceEdit(changes={self.document.uri: [types.TextEdit(range_, text)]}))
        self.document.cursor = start + len(text)
        self.keys += 1

    async def assert_same_masks(self) -> None:
        """Assert that the server's semantic tokens are the masks of the expected text."""
        params = types.SemanticTokensParams(types.TextDocumentIdentifier(self.document.uri))
        tokens = await self.document.editor.client.text_document_semantic_tokens_full_async(params)
        assert tokens is not None
        seen, line, column = [], 0, 0
        for lines, columns in zip(tokens.data[::5], tokens.data[1::5], strict=True):
            line, column = line + lines, columns if lines else column + columns
            seen.append(types.Position(line, column))
        assert seen == [
            self.document.position(mask.start()) for mask in re.finditer(re.escape(MASK), self.document.text)
        ]


async def play(editor: Editor, seed: int, keys: int) -> None:
    """Play a session, and compare the server's text with the expected one."""
    typist = Typist(editor, seed)
    await typist.play(keys)
    await assert_same_words(typist.document)
    assert editor.messages == []


async def assert_same_words(document: Document) -> None:
    """Assert that the server scores words of the expected text, in its order.

    Only the last lines are scored, because scoring is slow.
    """
    start = document.index(document.position(max(0, len(document.text) - 300)))
    answer = await document.command("fillmask.score", range=range_to_end(document, start))
    text = document.text[start:].replace("[", "").replace("]", "")  # as Markdown's links are read
    words = answer["words"] if isinstance(answer, dict) else answer.words
    assert words
    end = 0
    for word in words:
        word_text = word["text"] if isinstance(word, dict) else word.text
        assert word_text in text[end:]
        end = text.index(word_text, end) + len(word_text)


def range_to_end(document: Document, start: int) -> dict[str, dict[str, int]]:
    """Return the range from an index to the end of the document as JSON."""
    ends = {"start": document.position(start), "end": document.position(len(document.text))}
    return {end: {"line": at.line, "character": at.character} for end, at in ends.items()}


@pytest.mark.parametrize("client", ["vscode", "neovim"])
async def test_text_is_right_after_a_few_minutes_of_typing(connect: Connect, client: str) -> None:
    await play(await connect(client), seed=1, keys=200)


@pytest.mark.process
async def test_text_of_the_program_is_right_after_a_minute_of_typing() -> None:
    editor = await start_program("neovim")
    try:
        await editor.wait_for_model()
        await play(editor, seed=1, keys=200)
    finally:
        await stop(editor)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_text_of_the_program_is_right_after_twenty_minutes_of_typing() -> None:
    editor = await start_program("vscode")
    try:
        await editor.wait_for_model()
        await play(editor, seed=2, keys=6000)
    finally:
        await stop(editor)
