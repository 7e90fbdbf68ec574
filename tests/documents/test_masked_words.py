"""Masked words, compared with a text in which each character is annotated with the word of its mask."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.chunks import CHUNK_SIZE
from fillmask_ls.documents.masked_words import MaskedWords
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.words import find_masks

WORDS = ["quick", "brown", "fox", "Mary", "x]", "[y", "MASK", "a b", "😀", "[MASK]", "\n", " ", ".", "[MA", "SK]"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=10).map("".join)


class AnnotatedText:
    """A text whose characters are annotated with the word that their mask replaced, if it is known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words: list[str | None] = [None] * len(text)

    def replace(self, low: int, high: int, new: str) -> None:
        old, text = self.text, self.text[:low] + new + self.text[high:]
        end = low + len(new)
        while low < min(high, end) and old[low] == text[low]:
            low += 1
        while low < high and low < end and old[high - 1] == text[end - 1]:
            high, end = high - 1, end - 1
        for start, stop in find_masks(text):
            if start < low < stop:
                low = start
        for start, stop in find_masks(text):
            if start < end < stop:
                high, end = high + stop - end, stop
        for start, stop in find_masks(old):
            if start < high and low < stop and not (low <= start and stop <= high):
                self._words[start:stop] = [None] * len(MASK)
        self._words[low:high] = self._learned(old[low:high], text[low:end], low)
        self.text = text

    def _learned(self, old: str, new: str, offset: int) -> list[str | None]:
        """Return the annotations of ``new``, which replaces ``old`` at ``offset``; a regular expression finds the words."""
        annotations: list[str | None] = [None] * len(new)
        pattern = re.escape(new).replace(re.escape(MASK), "(.{1,100}?)")
        match = re.fullmatch(pattern, old) if MASK * 2 not in new else None
        if match and all(is_maskable(word) for word in match.groups()):
            for number, (start, stop) in enumerate(find_masks(new), 1):
                word = match[number]
                known = self._words[offset + match.start(number)] if word == MASK else word
                annotations[start:stop] = [known] * len(MASK)
        return annotations

    def words(self) -> list[tuple[tuple[int, int], str]]:
        known = [(mask, self._words[mask[0]]) for mask in find_masks(self.text)]
        return [(mask, word) for mask, word in known if word is not None]


def is_maskable(word: str) -> bool:
    return word == MASK or bool(word.strip() and MASK not in word and not re.match(r"(?i)\[(\]?$|m)", word))


@st.composite
def edits(draw: st.DrawFn, text: str) -> tuple[int, int, str]:
    """Draw the span of an edit and its new text: words masked or unmasked, or anything."""
    low, high = sorted(draw(st.integers(0, len(text))) for _ in range(2))
    old = text[low:high]
    edit = draw(st.sampled_from(["mask some", "mask all", "unmask", "anything"]))
    if edit == "mask some":
        return low, high, re.sub(r"\w+", lambda word: MASK if draw(st.booleans()) else word[0], old)
    if edit == "mask all":
        return low, high, re.sub(r"\w+", MASK, old)
    if edit == "unmask":
        return low, high, old.replace(MASK, draw(st.sampled_from(WORDS)))
    return low, high, draw(TEXTS)


@settings(deadline=None, max_examples=2 * settings.default.max_examples)
@given(st.data(), st.sampled_from([24, CHUNK_SIZE]), TEXTS)
def test_words_follow_any_edits(data: st.DataObject, chunk_size: int, text: str) -> None:
    annotated = AnnotatedText(text)
    document = TextDocument("", text, chunk_size=chunk_size)
    for _ in range(data.draw(st.integers(1, 10))):
        low, high, new = data.draw(edits(annotated.text))
        if data.draw(st.booleans()):
            document.replace(document.position(low), document.position(high), new)
            annotated.replace(low, high, new)
        else:
            new = annotated.text[:low] + new + annotated.text[high:]
            document.replace_all(new)
            annotated.replace(0, len(annotated.text), new)
        assert document.text == annotated.text
        length = len(document)
        assert document.masked_words.words(0, length) == annotated.words()
        start = data.draw(st.integers(0, length))
        assert document.masked_words.words(start, length - 1) == [
            (mask, word) for mask, word in annotated.words() if start <= mask[0] and mask[1] <= length - 1
        ]


def learned_words(old: str, new: str) -> list[str]:
    """Return the words that are known after ``old`` became ``new``. It doesn't matter how the client sends the edit."""
    full_change = TextDocument("", old)
    full_change.replace_all(new)
    whole_range = TextDocument("", old)
    whole_range.replace(Position(0, 0), Position(len(old), 0), new)
    minimal_range = TextDocument("", old)
    prefix, suffix = common_prefix(old, new), 0
    while suffix < min(len(old), len(new)) - prefix and old[len(old) - 1 - suffix] == new[len(new) - 1 - suffix]:
        suffix += 1
    start, end = minimal_range.position(prefix), minimal_range.position(len(old) - suffix)
    minimal_range.replace(start, end, new[prefix : len(new) - suffix])
    words = []
    for document in (full_change, whole_range, minimal_range):
        assert document.text == new
        words.append([word for _, word in document.masked_words.words(0, len(new))])
    assert words == words[:1] * 3
    return words[0]


def common_prefix(old: str, new: str) -> int:
    length = 0
    while length < min(len(old), len(new)) and old[length] == new[length]:
        length += 1
    return length


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("The quick brown fox", "The [MASK] brown [MASK]", ["quick", "fox"]),
        ("The quick brown fox", "The [MASK]", ["quick brown fox"]),
        ("Mary", "[MASK]", ["Mary"]),
        ("a [x b", "a [MASK] b", ["[x"]),
        ("a x] b", "a [MASK] b", ["x]"]),
        ("a MASK b", "a [MASK] b", ["MASK"]),
        ("one 😀 three\r\nfour five", "one [MASK] three\r\n[MASK] five", ["😀", "four"]),
        ("as as as", "[MASK] as [MASK]", ["as", "as"]),
        # The word of the existing mask is not known.
        ("the [MASK] fox", "[MASK] [MASK] [MASK]", ["the", "fox"]),
        # Not a word, or ambiguous.
        ("The quick fox", "The [MASK][MASK] fox", []),
        ("The quick fox", "A [MASK] fox!", []),
        ("one\ntwo", "[MASK]", []),
        ("a  b", "a [MASK] b", []),
        ("x" * 101, "[MASK]", []),
        ("", "[MASK]", []),
        # A mask that is being written.
        ("The [ fox", "The [MASK] fox", []),
        ("The [MA] fox", "The [MASK] fox", []),
        ("The [mask fox", "The [MASK] fox", []),
    ],
)
def test_an_edit_that_masks_words_remembers_them(old: str, new: str, words: list[str]) -> None:
    assert learned_words(old, new) == words


def test_a_mask_typed_letter_by_letter_has_no_masked_word() -> None:
    document = TextDocument("", "The  fox")
    for column, letter in enumerate(MASK, start=4):
        document.replace(Position(0, column), Position(0, column), letter)
    assert document.text == "The [MASK] fox"
    assert document.masked_words.words(0, 20) == []


def test_unmasking_forgets_a_word_and_masking_learns_it_again() -> None:
    document = TextDocument("", "The quick brown fox.")
    for _ in range(2):
        document.replace(Position(0, 4), Position(0, 9), MASK)
        assert document.masked_words.words(0, 99) == [((4, 10), "quick")]
        document.replace(Position(0, 4), Position(0, 10), "quick")
        assert document.masked_words.words(0, 99) == []


def test_a_snapshot_remembers_words_that_its_document_forgets() -> None:
    document = TextDocument("", "The quick brown fox.")
    document.replace_all("The [MASK] brown fox.")
    snapshot = document.snapshot()
    document.replace_all("")
    assert document.masked_words.words(0, 99) == []
    assert snapshot.masked_words.words(0, 99) == [((4, 10), "quick")]


@pytest.mark.timeout(30)  # milliseconds; with backtracking, hours
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a" * 40_000, f"{MASK}a" * 5_000 + "b"),
        ("a " * 25_000, f"{MASK} " * 4_000 + "a"),
        ("ab" * 5_000_000, "ab" * 2_500_000 + MASK + "ab" * 2_500_000),
        ("x" * 1_000_000, MASK * 100_000),
    ],
)
def test_long_edits_need_no_backtracking(old: str, new: str) -> None:
    MaskedWords().edit(0, old, new)
