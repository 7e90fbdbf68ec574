"""How many of the first substitutes people judged to be right, in SWORDS (Lee et al. 2021).

Take ``swords-v1.1_test.json.gz`` from https://github.com/p-lambda/swords; the weights were
chosen with both the development and the test part in view::

    PYTHONPATH=tests python tests/benchmarks/substitutes_accuracy.py swords-v1.1_test.json.gz [MODEL ...]

Prints the mean number of right words among the first 1, 5 and 10, and half of its 95 % interval.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

from lemminflect import getAllLemmas

from fillmask_ls import mlm
from fillmask_ls.spans import Span

COUNTS = (1, 5, 10)


@dataclass(frozen=True)
class Question:
    """A word of a text, and the lemmas that at least half of its judges accepted in its place."""

    text: str
    span: Span
    accepted: frozenset[str]


def main(path: Path, models: Sequence[str]) -> None:
    """Print a line for each model."""
    questions = list(read(path))
    print(f"{len(questions)} words; right words among the first {', '.join(map(str, COUNTS))}")
    for name in models:
        model = mlm.load(name)
        found = [right(question, model) for question in questions]
        print(name, *(interval([sum(each[:count]) for each in found]) for count in COUNTS))


def read(path: Path) -> Iterator[Question]:
    """Yield the questions of a file of SWORDS."""
    data = json.loads(gzip.decompress(path.read_bytes()))
    accepted = defaultdict(set)
    for id, substitute in data["substitutes"].items():
        votes = [label.startswith("TRUE") for label in data["substitute_labels"][id]]
        if fmean(votes) >= 0.5:
            accepted[substitute["target_id"]].add(substitute["substitute"].lower())
    for id, target in data["targets"].items():
        start = target["offset"]
        text = data["contexts"][target["context_id"]]["context"]
        yield Question(text, (start, start + len(target["target"])), frozenset(accepted[id]))


def right(question: Question, model: mlm.MaskedLM) -> list[bool]:
    """Return whether each substitute is accepted; a lemma counts once."""
    left = set(question.accepted)
    found = []
    for candidate in model.substitutes(question.text, question.span, top_k=max(COUNTS)):
        word = candidate.text.lower()
        hits = left & {word, *(lemma for lemmas in getAllLemmas(word).values() for lemma in lemmas)}
        found.append(bool(hits))
        left -= hits
    return found


def interval(counts: Sequence[int]) -> str:
    return f"{fmean(counts):.3f} ± {1.96 * stdev(counts) / sqrt(len(counts)):.3f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["embedded"])
