"""How many words diagnostics mark in clean text, and how many words that people confuse they catch.

Run it on plain text with one paragraph per line that no model was trained on::

    PYTHONPATH=tests python tests/benchmarks/diagnostics_accuracy.py TEXT [MODEL ...]
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fillmask_ls import mlm
from fillmask_ls.english import confused_with
from fillmask_ls.lsp.requests.diagnostic import excess_bits, is_unlikely
from fillmask_ls.mlm.results import WordSurprisal
from fillmask_ls.settings import Settings
from fillmask_ls.spans import replace_spans
from fillmask_ls.words import find_words

SETTINGS = Settings()
MAX_PARAGRAPHS = 150
MAX_ERRORS = 300


def main(path: Path, models: Sequence[str]) -> None:
    """Print a line for each model."""
    paragraphs = [line for line in path.read_text("utf-8").splitlines() if 100 <= len(line) <= 1500]
    random.Random(0).shuffle(paragraphs)
    clean, others = paragraphs[:MAX_PARAGRAPHS], paragraphs[MAX_PARAGRAPHS:]
    errors = list(with_errors(others))[:MAX_ERRORS]
    print(f"{len(clean)} paragraphs, {sum(len(find_words(text)) for text in clean)} words; {len(errors)} errors")
    print("model, marks per 1,000 clean words, errors caught; then both without the list of confusable words")
    for name in models:
        model = mlm.load(name)
        count = sum(len(find_words(text)) for text in clean)
        surprisals = [
            word for text in clean for word in mlm.word_surprisals(model, text, top_k=2) if may_be_marked(word)
        ]
        wrong = [mlm.word_surprisals(model, text, spans=[span], top_k=2)[0] for text, span in errors]
        print(
            name,
            *(
                figure
                for rule in (by_list, by_bits)
                for figure in (
                    f"{1000 * sum(map(rule, surprisals)) / count:.2f}",
                    f"{sum(map(rule, wrong)) / len(wrong):.1%}",
                )
            ),
        )


def with_errors(paragraphs: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
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
            (start, end), other = chance.choice(confusable)
            yield replace_spans(text, [((start, end), other)]), (start, start + len(other))


def may_be_marked(word: WordSurprisal) -> bool:
    """Return whether diagnostics look at a word."""
    return len(word.text) >= SETTINGS.diagnostics_minimum_length and word.text.isalpha() and word.text.islower()


def by_list(word: WordSurprisal) -> bool:
    return is_unlikely(word, SETTINGS)


def by_bits(word: WordSurprisal) -> bool:
    return len(word.subwords) == 1 and excess_bits(word) > SETTINGS.diagnostics_threshold


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["embedded"])
