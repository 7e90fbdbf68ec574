"""Measure how often masked words are found, in text that the model was not trained on.

    python tests/benchmarks/word_accuracy.py validation.txt.gz [--model MODEL] [--half 1] [--parts several,cost]

Documents are separated by empty lines. The other half of the documents chose the product's constants. Prints a table; the
exit code is 1 if a figure misses its goal. ``--save FILE`` keeps which words were found, ``--compare FILE`` compares this
code with the one that saved the file, on the same masks.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, pstdev

import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import Finished, ForwardSteps, advance, logits
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks, find_sentences, find_words

PARTS = ("agreement", "joint", "several", "cost")


@dataclass(frozen=True)
class Case:
    """A passage with one or two words masked."""

    text: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """Documents, and how many characters around a masked word are read."""

    texts: Sequence[str]
    context: int

    @classmethod
    def read(cls, file: Path, half: int, context: int) -> Corpus:
        with gzip.open(file, "rt", encoding="utf-8") as source:
            texts = [document.strip() for document in source.read().split("\n\n") if document.strip()]
        return cls(texts[half::2], context)


def masked(text: str, spans: Sequence[Span], context: int) -> Case:
    """Return the words at ``spans`` masked, with ``context`` characters on either side, cut at spaces."""
    low = text.find(" ", max(0, spans[0][0] - context), spans[0][0]) + 1
    high = text.rfind(" ", spans[-1][1], spans[-1][1] + context)
    parts, end = [], low
    for start, stop in spans:
        parts += [text[end:start], MASK]
        end = stop
    parts.append(text[end : high if high > end else len(text)])
    return Case("".join(parts), tuple(text[start:stop] for start, stop in spans))


def cases(corpus: Corpus, together: int, wanted: Callable[[str], bool], count: int, each: int = 20) -> Iterator[Case]:
    """Yield ``count`` passages with ``together`` adjacent words masked."""
    choose = random.Random(0)
    candidates = []
    for text in corpus.texts:
        if MASK in text:
            continue
        spans = [(a, b) for a, b in find_words(text) if text[a:b].isalpha() and b - a > 1]
        rows = [tuple(spans[i : i + together]) for i in range(len(spans) - together + 1)]
        rows = [
            row
            for row in rows
            if all(wanted(text[a:b]) for a, b in row) and all(text[b:c] == " " for (_, b), (c, _) in pairwise(row))
        ]
        candidates += [masked(text, row, corpus.context) for row in choose.sample(rows, min(each, len(rows)))]
    choose.shuffle(candidates)
    yield from candidates[:count]


def share(hits: Sequence[float]) -> str:
    return f"{fmean(hits):.1%} ± {1.96 * pstdev(hits) / sqrt(len(hits)):.1%}"


@cache
def count_subwords(model: mlm.MaskedLM, word: str) -> int:
    return len(model.tokenizer.encode(word, []).ids) - model.tokenizer.added_tokens


def several_subwords(model: mlm.MaskedLM, corpus: Corpus, count: int, save: Path | None, compare: Path | None) -> bool:
    hits: dict[str, bool] = {}
    for length in (2, 3):
        chosen = list(
            cases(corpus, 1, lambda word, length=length: count_subwords(model, word) == length, count)  # type: ignore[misc]
        )
        found = [
            case.words[0].casefold() in [word.text.casefold() for word in mlm.predict(model, case.text)[0].candidates]
            for case in chosen
        ]
        print(f"words of {length} subwords, the right one among ten: {share(found)} of {len(found)}")
        hits |= dict(zip([f"{case.text} {case.words[0]}" for case in chosen], found, strict=True))
    print(f"words of 2 or 3 subwords: {share(list(hits.values()))} (goal: 15 %)")
    if save is not None:
        save.write_text(json.dumps(hits))
    if compare is not None:
        before = json.loads(compare.read_text())
        change = [int(hit) - int(before[case]) for case, hit in hits.items() if case in before]
        print(f"change on {len(change)} masks of {compare}: {share(change)} (goal: at least -1 %)")
        if fmean(change) < -0.01:
            return False
    return fmean(hits.values()) >= 0.15


def forward_cost(model: mlm.MaskedLM, corpus: Corpus, count: int) -> bool:
    """Count the forward passes of the search for words of several subwords, in those of the words of one subword."""
    passages = list(cases(corpus, 1, lambda _word: True, count))
    reached = True
    for name, chosen in (
        ("passages", [case.text for case in passages]),
        ("sentences", [sentence for case in passages for sentence in [_sentence(case.text)] if sentence]),
    ):
        rows, ratios = [], []
        for text in chosen:
            all_rows, all_tokens = computed(model, mlm.predict.steps(model, text))
            first_rows, first_tokens = computed(model, mlm.predict.steps(model, text, max_subwords=1))
            rows.append(all_rows - first_rows)
            ratios.append(all_tokens / first_tokens - 1)
        print(
            f"the search at a mask in {name} takes {fmean(ratios):.2f} forward passes' worth of tokens, in {fmean(rows):.2f} "
            f"rows ({len(rows)} masks; goal: 3)"
        )
        reached = reached and fmean(ratios) <= 3
    return reached


def computed(model: mlm.MaskedLM, steps: ForwardSteps[object]) -> tuple[int, int]:
    """Run a generator and return the rows and tokens of its forward steps."""
    rows = tokens = 0
    with torch.inference_mode():
        step = advance(steps, None)
        while not isinstance(step, Finished):
            rows += len(step.rows)
            tokens += sum(map(len, step.rows))
            step = advance(steps, logits(model, [step])[0])
    return rows, tokens


def _sentence(text: str) -> str:
    """Return the sentence with the mask; empty if the text is cut there."""
    spans = [(start, end) for start, end in find_sentences(text) if MASK in text[start:end]]
    return text[slice(*spans[0])].strip() if spans else ""


def joint_fills(model: mlm.MaskedLM, corpus: Corpus, count: int) -> bool:
    def known(word: str) -> bool:
        return count_subwords(model, word) == 1

    alone, jointly, offered = [], [], []
    for case in cases(corpus, 2, known, count):
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


def agreement(model: mlm.MaskedLM, exact: mlm.MaskedLM, corpus: Corpus, count: int) -> bool:
    first, five = [], []
    for case in cases(corpus, 1, lambda _word: True, count):
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
    parser.add_argument("--context", type=int, default=500, help="characters on either side of a masked word")
    parser.add_argument(
        "--parts", type=lambda value: value.split(","), default=PARTS, help=f"some of {','.join(PARTS)}"
    )
    parser.add_argument("--save", type=Path, help="keep which words of several subwords were found")
    parser.add_argument("--compare", type=Path, help="compare with what an earlier run saved")
    options = parser.parse_args()
    corpus, count = Corpus.read(options.text, options.half, options.context), options.count
    model = mlm.load(options.model)
    parts = {
        "agreement": lambda: agreement(model, mlm.load(options.model, dtype=torch.float32), corpus, 2 * count),
        "joint": lambda: joint_fills(model, corpus, count),
        "several": lambda: several_subwords(model, corpus, count // 2, options.save, options.compare),
        "cost": lambda: forward_cost(model, corpus, count // 2),
    }
    reached = [parts[name]() for name in options.parts]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
