"""Print the processor time of reading the passage around a mask in place of a word, for each kind of document.

    python tests/benchmarks/passage_times.py FOLDER [FOLDER ...] [--without-grammars]

Each folder contains files of one kind, as ``prose_corpus.py`` collects them; comments are divided by language.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median, quantiles
from time import process_time
from unittest import mock

import regex

from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages import comments
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.text import TextDocument

WORD = regex.compile(r"(?<![\w<\\/@.])\p{L}{4,}(?![\w>=/(@])")
FILES = 40
WORDS_PER_FILE = 8


def kinds(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the kinds of a folder's files, and the files."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if folder.name != "comments":
        yield folder.name, files
        return
    for suffix in sorted({file.suffix for file in files}):
        yield f"comments, {suffix}", [file for file in files if file.suffix == suffix]


def milliseconds(files: Sequence[Path]) -> Iterator[float]:
    """Yield the milliseconds of each passage, at a few words of a sample of the files."""
    chance = random.Random(1)
    for file in chance.sample(files, min(FILES, len(files))):
        text = file.read_text(encoding="utf-8", errors="replace")
        words = list(WORD.finditer(text))
        for word in chance.sample(words, min(WORDS_PER_FILE, len(words))):
            start, end = word.span()
            document = TextDocument(f"file:///{file.name}", text[:start] + MASK + text[end:])
            begin = process_time()
            passage(document, Focus(start, start + len(MASK)))
            yield 1_000 * (process_time() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--without-grammars", action="store_true", help="read code by Pygments alone")
    options = parser.parse_args()
    without_grammars = mock.patch.object(comments, "grammar_texts", return_value=None)
    with without_grammars if options.without_grammars else nullcontext():
        for folder in options.folders:
            report(folder)


def report(folder: Path) -> None:
    """Print the times of each kind in a folder that has more than one passage."""
    for kind, files in kinds(folder):
        times = list(milliseconds(files))
        if len(times) > 1:
            print(
                f"{kind}: {len(times)} passages, median {median(times):.1f} ms, 95 % below "
                f"{quantiles(times, n=20)[-1]:.1f} ms, longest {max(times):.0f} ms"
            )


if __name__ == "__main__":
    main()
