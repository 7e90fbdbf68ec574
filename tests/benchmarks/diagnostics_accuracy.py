"""How many marks diagnostics make in clean text, and how many errors they catch: confused, mistyped and missing words.

Run it on plain text with one paragraph per line that no model was trained on::

    PYTHONPATH=tests python tests/benchmarks/diagnostics_accuracy.py TEXT [MODEL]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from fillmask_ls.engine.api import Priority, SurprisalQuestion, WordSurprisal
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.english import confused_with, is_function_word, is_mistyped, listed_words
from fillmask_ls.lsp.paragraph_check import EXPECTED_WORDS, check_paragraph
from fillmask_ls.lsp.reader import Reader
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import find_words

SETTINGS, READER = Settings(), Reader()
THRESHOLD_ALONE = 16.0
"""One threshold for all words, in bits, to compare with."""
RULES = (f"threshold of {THRESHOLD_ALONE:g} bits alone", "unlikely", "confused or mistyped", "missing")
MAX_PARAGRAPHS = 260
MAX_ERRORS = 130
MAX_CHARACTERS = 260


async def main(text: str, model: str = "embedded") -> None:
    """Print the marks in clean text, and how many errors of each kind are caught."""
    paragraphs = [line for line in text.splitlines() if 100 <= len(line) <= MAX_CHARACTERS]
    random.Random(0).shuffle(paragraphs)
    clean, others = paragraphs[:MAX_PARAGRAPHS], paragraphs[MAX_PARAGRAPHS:]
    engine = LocalEngine()
    await engine.load(model, "cpu")
    count = sum(len(find_words(paragraph)) for paragraph in clean)
    found = [await marks(engine, paragraph) for paragraph in clean]
    print(f"{len(clean)} clean paragraphs, {count} words; marks per 1,000 words:")
    for rule, spans in zip(RULES, zip(*found, strict=True), strict=True):
        print(f"  {rule}: {1000 * sum(map(len, spans)) / count:.2f}", flush=True)
    print(f"errors caught by the {RULES[0]}, and by all rules:")
    errors_by_kind = {
        "confused": with_confused_words(others),
        "mistyped": with_mistyped_words(others),
        "missing": with_missing_words(others),
    }
    for kind, errors in errors_by_kind.items():
        before = after = 0
        chosen = list(islice(errors, MAX_ERRORS))
        for wrong, span in chosen:
            alone, *rules = [any(touches(mark, span) for mark in rule) for rule in await marks(engine, wrong)]
            before, after = before + alone, after + any(rules)
        print(f"  {kind} words: {before} and {after} of {len(chosen)}", flush=True)


async def marks(engine: LocalEngine, text: str) -> list[list[Span]]:
    """Return what each of :data:`RULES` marks."""
    words = tuple(find_words(text))
    findings = await check_paragraph(engine, READER, text, words, SETTINGS.diagnostics_threshold)
    surprisals = await engine.word_surprisals(SurprisalQuestion(text, EXPECTED_WORDS, words), Priority.BACKGROUND)
    may_be_marked = [word for word in surprisals if is_candidate(word)]
    alone = [word.span for word in may_be_marked if len(word.subwords) == 1 and word.excess > THRESHOLD_ALONE]
    explained = {span for word in findings.missing for span in (word.before, word.after)}
    shown = {word.span for word in may_be_marked} - explained
    unlikely = [word.span for word in findings.unlikely if word.meant is None and word.span in shown]
    mistaken = [word.span for word in findings.unlikely if word.meant is not None and word.span in shown]
    return [alone, unlikely, mistaken, [word.span for word in findings.missing]]


def touches(mark: Span, error: Span) -> bool:
    return mark[0] <= error[1] and error[0] <= mark[1]


def with_confused_words(paragraphs: Sequence[str]) -> Iterator[tuple[str, Span]]:
    """Yield paragraphs with one word replaced with one that people confuse with it, and its span."""
    chance = random.Random(1)
    for text in paragraphs:
        confusable = [
            (span, other)
            for span in find_words(text)
            for other in sorted(confused_with(text[slice(*span)]))
            if text[slice(*span)].islower() and len(other) >= SETTINGS.diagnostics_minimum_length
        ]
        if confusable:
            yield with_another_word(text, *chance.choice(confusable))


def with_mistyped_words(paragraphs: Sequence[str]) -> Iterator[tuple[str, Span]]:
    """Yield paragraphs with one word replaced with another one, mistyped for it, that people don't confuse; its span."""
    chance = random.Random(3)
    others: dict[str, list[str]] = {}
    for word in sorted(listed_words()):
        if len(word) >= SETTINGS.diagnostics_minimum_length and word.islower():
            for key in _deletions(word):
                others.setdefault(key, []).append(word)
    for text in paragraphs:
        words = [
            (span, sorted({other for key in _deletions(word) for other in others.get(key, []) if other != word}))
            for span in find_words(text)
            if len(word := text[slice(*span)]) >= SETTINGS.diagnostics_minimum_length and word.islower()
        ]
        choices = [
            (span, other)
            for span, found in words
            for other in found
            if is_mistyped(other, text[slice(*span)]) and other not in confused_with(text[slice(*span)])
        ]
        if choices:
            yield with_another_word(text, *chance.choice(choices))


def with_another_word(text: str, span: Span, word: str) -> tuple[str, Span]:
    """Return the text with ``word`` at ``span``, and the word's span."""
    return replace_spans(text, [(span, word)]), (span[0], span[0] + len(word))


def _deletions(word: str) -> list[str]:
    """Return the word, and the word without each of its letters: words mistyped for each other share one of these."""
    return [word, *(word[:index] + word[index + 1 :] for index in range(len(word)))]


def with_missing_words(paragraphs: Sequence[str]) -> Iterator[tuple[str, Span]]:
    """Yield paragraphs without one function word, and the empty span at the end of the word before it."""
    chance = random.Random(2)
    for text in paragraphs:
        inner = [
            (start, end)
            for start, end in find_words(text)
            if is_function_word(text[start:end]) and text[start - 1 : start] == text[end : end + 1] == " "
        ]
        if inner:
            start, end = chance.choice(inner)
            yield text[: start - 1] + text[end:], (start - 1, start - 1)


def is_candidate(word: WordSurprisal) -> bool:
    """Return whether diagnostics look at a word."""
    return len(word.text) >= SETTINGS.diagnostics_minimum_length and word.text.isalpha() and word.text.islower()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text(encoding="utf-8"), *sys.argv[2:3]))
