"""What masks hide, learnt from edits, against a list of characters that each know their mask's word."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.masked_words import MaskedWords
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.words import find_masks

WORDS = ["quick", "brown", "fox", "Mary", "x]", "[y", "MASK", "a b", "😀", "[MASK]", "\n", " ", ".", "[MA", "SK]"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=10).map("".join)


class Plain:
    """The same by the book: every character knows the word of its mask; the pattern is a regular expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks: list[str | None] = [None] * len(text)

    def edit(self, low: int, high: int, new: str) -> None:
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
                self.marks[start:stop] = [None] * len(MASK)
        marks: list[str | None] = [None] * (end - low)
        pattern = re.escape(text[low:end]).replace(re.escape(MASK), "(.{1,100}?)")
        match = re.fullmatch(pattern, old[low:high]) if MASK * 2 not in text[low:end] else None
        words = match.groups() if match else ()
        if match and all(
            word == MASK or (word.strip() and MASK not in word and not re.match(r"(?i)\[(\]?$|m)", word))
            for word in words
        ):
            for (start, stop), number in zip(find_masks(text[low:end]), range(len(words)), strict=True):
                word = words[number]
                at = low + match.start(number + 1)
                marks[start:stop] = [self.marks[at] if word == MASK else word] * len(MASK)
        self.marks[low:high] = marks
        self.text = text

    def words(self) -> list[tuple[tuple[int, int], str]]:
        known = [(mask, self.marks[mask[0]]) for mask in find_masks(self.text)]
        return [(mask, word) for mask, word in known if word is not None]


@settings(deadline=None)
@given(st.data(), st.sampled_from([24, 4096]))
def test_any_edits_against_a_plain_model(data: st.DataObject, chunk_size: int) -> None:
    plain = Plain(data.draw(TEXTS))
    document = TextDocument("", plain.text, chunk_size=chunk_size)
    for _ in range(data.draw(st.integers(1, 10))):
        low, high = sorted(data.draw(st.integers(0, len(plain.text))) for _ in range(2))
        old = plain.text[low:high]
        kind = data.draw(st.sampled_from(["mask", "mask all", "unmask", "anything", "all"]))
        if kind.startswith("mask"):
            chosen = st.just(True) if kind == "mask all" else st.booleans()
            new = re.sub(r"\w+", lambda word, chosen=chosen: MASK if data.draw(chosen) else word[0], old)  # type: ignore[misc]
        elif kind == "unmask":
            new = old.replace(MASK, data.draw(st.sampled_from(WORDS)))
        else:
            new = data.draw(TEXTS)
        if kind == "all":
            new = plain.text[:low] + new + plain.text[high:]
            plain.edit(0, len(plain.text), new)
            document.replace_all(new)
        else:
            start, end = document.position(low), document.position(high)
            plain.edit(low, high, new)
            document.replace(start, end, new)
        assert document.text == plain.text
        length = len(plain.text)
        assert document.masked_words.words(0, length) == plain.words()
        some = data.draw(st.integers(0, length))
        assert document.masked_words.words(some, length - 1) == [
            (mask, word) for mask, word in plain.words() if some <= mask[0] and mask[1] <= length - 1
        ]


def after(old: str, new: str) -> list[str]:
    """The words that are known when ``old`` has become ``new``, whichever way a client says so."""
    answers = []
    whole = TextDocument("", old)
    whole.replace_all(new)
    answers.append([word for _, word in whole.masked_words.words(0, len(new))])
    last = Position(len(old), 0)
    as_a_range = TextDocument("", old)
    as_a_range.replace(Position(0, 0), last, new)
    answers.append([word for _, word in as_a_range.masked_words.words(0, len(new))])
    prefix = 0
    while prefix < min(len(old), len(new)) and old[prefix] == new[prefix]:
        prefix += 1
    suffix = 0
    while suffix < min(len(old), len(new)) - prefix and old[len(old) - 1 - suffix] == new[len(new) - 1 - suffix]:
        suffix += 1
    least = TextDocument("", old)
    least.replace(
        least.position(prefix), least.position(len(old) - suffix), new[prefix : len(new) - suffix if suffix else None]
    )
    assert least.text == new
    answers.append([word for _, word in least.masked_words.words(0, len(new))])
    assert answers == answers[:1] * 3
    return answers[0]


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
        # What was there before hides nothing that anyone knows.
        ("the [MASK] fox", "[MASK] [MASK] [MASK]", ["the", "fox"]),
        # No word, or none that can be told.
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
)  # fmt: skip
def test_what_an_edit_hides(old: str, new: str, words: list[str]) -> None:
    assert after(old, new) == words


def test_a_mask_typed_letter_by_letter_hides_nothing() -> None:
    document = TextDocument("", "The  fox")
    for number, letter in enumerate(MASK):
        at = Position(0, 4 + number)
        document.replace(at, at, letter)
    assert document.text == "The [MASK] fox"
    assert document.masked_words.words(0, 20) == []


def test_unmasking_forgets_and_masking_again_learns_it_again() -> None:
    document = TextDocument("", "The quick brown fox.")
    word, mask = (Position(0, 4), Position(0, 9)), (Position(0, 4), Position(0, 10))
    for _ in range(2):
        document.replace(*word, MASK)
        assert document.masked_words.words(0, 99) == [((4, 10), "quick")]
        document.replace(*mask, "quick")
        assert document.masked_words.words(0, 99) == []


def test_a_snapshot_remembers_what_the_document_forgets() -> None:
    document = TextDocument("", "The quick brown fox.")
    document.replace_all("The [MASK] brown fox.")
    taken = document.snapshot()
    document.replace_all("")
    assert document.masked_words.words(0, 99) == []
    assert taken.masked_words.words(0, 99) == [((4, 10), "quick")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a" * 40_000, f"{MASK}a" * 5_000 + "b"),
        ("a " * 25_000, f"{MASK} " * 4_000 + "a"),
        ("ab" * 5_000_000, "ab" * 2_500_000 + MASK + "ab" * 2_500_000),
        ("x" * 1_000_000, MASK * 100_000),
    ],
)
def test_no_edit_takes_long(old: str, new: str) -> None:
    hidden = MaskedWords()
    start = time.process_time()
    hidden.edit(0, old, new)
    assert time.process_time() - start < 0.5  # some milliseconds; a search that goes back would take minutes
