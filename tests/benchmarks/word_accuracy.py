"""Measure how often masked words are found, in text that the model was not trained on.

    python tests/benchmarks/word_accuracy.py validation.txt.gz [--model MODEL] [--half 1]

Documents are separated by empty lines. The other half of the documents chose the product's constants. Prints a table; the
exit code is 1 if a figure misses its goal.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, pstdev

import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks, find_words

CONTEXT = 500
"""Characters of context on either side of the masked words."""


@dataclass(frozen=True)
class Case:
    """A passage with one or two words masked."""

    text: str
    words: tuple[str, ...]


def documents(file: Path, half: int) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8") as source:
        texts = [document.strip() for document in source.read().split("\n\n") if document.strip()]
    return texts[half::2]


def masked(text: str, spans: Sequence[Span]) -> Case:
    """Return the words at ``spans`` masked in their context, cut at spaces."""
    low = text.find(" ", max(0, spans[0][0] - CONTEXT), spans[0][0]) + 1
    high = text.rfind(" ", spans[-1][1], spans[-1][1] + CONTEXT)
    parts, end = [], low
    for start, stop in spans:
        parts += [text[end:start], MASK]
        end = stop
    parts.append(text[end : high if high > end else len(text)])
    return Case("".join(parts), tuple(text[start:stop] for start, stop in spans))


def cases(
    texts: Sequence[str], together: int, wanted: Callable[[str], bool], count: int, each: int = 20
) -> Iterator[Case]:
    """Yield ``count`` passages with ``together`` adjacent words masked."""
    choose = random.Random(0)
    candidates = []
    for text in texts:
        if MASK in text:
            continue
        spans = [(a, b) for a, b in find_words(text) if text[a:b].isalpha() and b - a > 1]
        rows = [tuple(spans[i : i + together]) for i in range(len(spans) - together + 1)]
        rows = [
            row
            for row in rows
            if all(wanted(text[a:b]) for a, b in row) and all(text[b:c] == " " for (_, b), (c, _) in pairwise(row))
        ]
        candidates += [masked(text, row) for row in choose.sample(rows, min(each, len(rows)))]
    choose.shuffle(candidates)
    yield from candidates[:count]


def share(hits: Sequence[float]) -> str:
    return f"{fmean(hits):.1%} ± {1.96 * pstdev(hits) / sqrt(len(hits)):.1%}"


def several_subwords(model: mlm.MaskedLM, texts: Sequence[str], count: int) -> bool:
    def count_subwords(word: str) -> int:
        return len(model.tokenizer.encode(word, []).ids) - model.tokenizer.added_tokens

    both = []
    for length in (2, 3):
        hits = []
        for case in cases(texts, 1, lambda word, length=length: count_subwords(word) == length, count):  # type: ignore[misc]
            offered = mlm.predict(model, case.text)[0].candidates
            hits.append(case.words[0].casefold() in [word.text.casefold() for word in offered])
        print(f"words of {length} subwords, the right one among ten: {share(hits)} of {len(hits)}")
        both += hits
    print(f"words of 2 or 3 subwords: {share(both)} (goal: 15 %)")
    return fmean(both) >= 0.15


def joint_fills(model: mlm.MaskedLM, texts: Sequence[str], count: int) -> bool:
    def known(word: str) -> bool:
        return len(model.tokenizer.encode(word, []).ids) - model.tokenizer.added_tokens == 1

    alone, jointly, offered = [], [], []
    for case in cases(texts, 2, known, count):
        words = tuple(word.casefold() for word in case.words)
        best = [
            prediction.candidates[0].text.casefold()
            for prediction in mlm.predict(model, case.text, top_k=1, max_subwords=1)
        ]
        fills = [tuple(map(str.casefold, fill.words)) for fill in mlm.fill_jointly(model, case.text)]
        alone.append(tuple(best) == words)
        jointly.append(fills[0] == words)
        offered.append(words in fills)
    gain = [int(ours) - int(theirs) for ours, theirs in zip(jointly, alone, strict=True)]
    margin = 1.96 * pstdev(gain) / sqrt(len(gain))
    print(f"two adjacent words, both right, each mask by itself: {share(alone)} of {len(alone)}")
    print(f"two adjacent words, both right, jointly: {share(jointly)}; among five: {share(offered)}")
    print(f"the gain: {fmean(gain):.1%} ± {margin:.1%} (goal: above the margin)")
    return fmean(gain) > margin


def agreement(model: mlm.MaskedLM, exact: mlm.MaskedLM, texts: Sequence[str], count: int) -> bool:
    first, five = [], []
    for case in cases(texts, 1, lambda _word: True, count):
        encoding = model.tokenizer.encode(case.text, find_masks(case.text))
        at = [encoding.ids.index(model.tokenizer.mask_id)]
        ours, theirs = (
            each.logits([encoding.ids], [at])[0].float().topk(5).indices.tolist() for each in (model, exact)
        )
        first.append(ours[0] == theirs[0])
        five.append(len(set(ours) & set(theirs)) / 5)
    print(f"agreement of {model.dtype} with float32: first word {share(first)}, five words {share(five)} (98 %, 97 %)")
    return fmean(first) >= 0.98 and fmean(five) >= 0.97


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    texts = documents(options.text, options.half)
    model = mlm.load(options.model)
    exact = mlm.load(options.model, dtype=torch.float32)
    reached = [
        agreement(model, exact, texts, 2 * options.count),
        joint_fills(model, texts, options.count),
        several_subwords(model, texts, options.count // 2),
    ]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
