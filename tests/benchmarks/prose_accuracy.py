"""Measure how often the masked word is the first candidate, with and without markup in the passage.

    python tests/benchmarks/prose_accuracy.py FOLDER [FOLDER ...]

Each folder contains files of one kind. Both sides get the same words, masked one at a time: whole words of prose, of four
letters or more, that are one subword to the model.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import regex

from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.masks import Target
from fillmask_ls.documents.prose import prose_at
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.mlm.loading import load
from fillmask_ls.mlm.model import MaskedLM
from fillmask_ls.mlm.prediction import predict

WORD = regex.compile(r"(?<![\p{L}\p{N}_\\{}/.@:-])\p{L}{4,}(?![\p{L}\p{N}_\\{}/@:-])")


def masked(text: str, file: Path, count: int) -> Iterator[tuple[TextDocument, Target, str]]:
    """Yield ``count`` words of a file, each masked in its own document."""
    words = list(WORD.finditer(text))
    random.Random(file.name).shuffle(words)
    for word in words:
        start, end = word.span()
        document = TextDocument(f"file:///{file.name}", text[:start] + MASK + text[end:])
        target = Target(start, start + len(MASK))
        if not is_quoted(text, start) and prose_at(document.text, start, find_language("", file.name)):
            yield document, target, word[0]
            count -= 1
        if not count:
            return


def is_quoted(text: str, index: int) -> bool:
    """Return whether a word is in backticks: names in inline code are not prose."""
    line_start = text.rfind("\n", 0, index) + 1
    return text[index - 1 : index] == "`" or text.count("`", line_start, index) % 2 == 1


def is_first(
    model: MaskedLM, document: TextDocument, target: Target, word: str, *, strip_markup: bool, tokens: int
) -> bool:
    context = passage(document, target, strip_markup=strip_markup, tokens=tokens)
    best = predict(model, context.text, context.masks, top_k=1)[context.focus].candidates
    return bool(best) and best[0].text.lower() == word.lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--words", type=int, default=8, help="words of each file")
    options = parser.parse_args()
    model = load(options.model)
    for folder in options.folders:
        correct = {True: 0, False: 0}
        count = 0
        for file in sorted(folder.iterdir()):
            text = file.read_text(encoding="utf-8", errors="replace")
            for document, target, word in masked(text, file, options.words):
                if len(model.tokenizer.encode(word, []).content(model.tokenizer.mask_id)) == 1:
                    count += 1
                    for strip_markup in correct:
                        correct[strip_markup] += is_first(
                            model, document, target, word, strip_markup=strip_markup, tokens=options.tokens
                        )
        print(
            f"{folder.name}: first of {count:,} words: "
            f"{correct[True] / count:.1%} without markup, {correct[False] / count:.1%} with it"
        )


if __name__ == "__main__":
    main()
