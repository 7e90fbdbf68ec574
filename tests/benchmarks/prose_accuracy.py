"""Measure how often the masked word is the first candidate, with and without markup in the passage.

    python tests/benchmarks/prose_accuracy.py FOLDER [FOLDER ...] --words 3000 --save after.json
    python tests/benchmarks/prose_accuracy.py --compare before.json after.json

Each folder contains files of one kind, as ``prose_corpus.py`` collects them. Both sides get the same words, masked one
at a time: whole words of prose, of four letters or more, that are one subword to the model. To compare two versions of
the code, give the first one's words to the second: ``--places before.json``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import regex

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage, passage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.prose import prose_at
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.mlm.loading import load
from fillmask_ls.mlm.model import LoadedModel
from fillmask_ls.mlm.prediction import predict

WORD = regex.compile(r"(?<![<\p{L}\p{N}_\\{}/.@:$%#-])\p{L}{4,}(?![\p{L}\p{N}_\\{}/@:=(-]|\.\p{L})")
REACH = 2_000
BATCH = 64
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A masked word of a file, and whether it was the first candidate without and with markup in the passage."""

    kind: str
    file: str
    start: int
    word: str
    without_markup: bool = False
    with_markup: bool = False


def sample_words(folder: Path, count: int, model: LoadedModel) -> list[Outcome]:
    """Return about ``count`` words of prose, as many from each file if possible."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    found: dict[Path, Iterator[Outcome]] = {file: prose_words(folder.name, file, model) for file in files}
    chosen: list[Outcome] = []
    while found and len(chosen) < count:
        for file in list(found):
            batch = list(islice(found[file], 4))
            chosen += batch
            if len(batch) < 4:
                del found[file]
    return chosen[:count]


def prose_words(kind: str, file: Path, model: LoadedModel) -> Iterator[Outcome]:
    """Yield the words of a file that are prose and one subword, in random order."""
    text = file.read_text(encoding="utf-8", errors="replace")
    words = list(WORD.finditer(text))
    random.Random(file.name).shuffle(words)
    language = find_language("", file.name)
    for word in words:
        start, end = word.span()
        if is_quoted(text, start) or is_in_label(text, start, end):
            continue
        if len(model.tokenizer.encode(word[0], []).content(model.tokenizer.mask_id)) != 1:
            continue
        low = max(0, start - REACH)
        if prose_at(text[low:start] + MASK + text[end : end + REACH], start - low, language):
            yield Outcome(kind, file.name, start, word[0])


def is_quoted(text: str, index: int) -> bool:
    """Return whether a word is in backticks: names in inline code are not prose."""
    line_start = text.rfind("\n", 0, index) + 1
    return text[index - 1 : index] == "`" or text.count("`", line_start, index) % 2 == 1


def is_in_label(text: str, start: int, end: int) -> bool:
    """Return whether a word is in ``[a label]`` of Markdown whose definition, ``[A Label]: address``, repeats it."""
    low, high = text.rfind("[", 0, start), text.find("]", end)
    if low < 0 or high < 0 or "\n" in text[low:high]:
        return False
    definition = rf"^\s*{regex.escape(text[low : high + 1])}:"
    return bool(regex.search(definition, text, regex.MULTILINE | regex.IGNORECASE))


def measure(model: LoadedModel, options: argparse.Namespace, words: Sequence[Outcome]) -> list[Outcome]:
    """Return the words with their outcomes."""
    folder_of = {folder.name: folder for folder in options.folders}
    texts = {(word.kind, word.file): "" for word in words}
    for kind, file in texts:
        texts[kind, file] = (folder_of[kind] / file).read_text(encoding="utf-8", errors="replace")
    passages: list[Passage] = []
    for word in words:
        text = texts[word.kind, word.file]
        masked = text[: word.start] + MASK + text[word.start + len(word.word) :]
        document = TextDocument(f"file:///{word.file}", masked)
        focus = Focus(word.start, word.start + len(MASK))
        stripped = read(document, focus, True, options)
        passages += (stripped, stripped if options.stripped_only else read(document, focus, False, options))
    first = first_words(model, passages)
    return [
        Outcome(word.kind, word.file, word.start, word.word, *(guess == word.word.lower() for guess in guesses))
        for word, *guesses in zip(words, first[::2], first[1::2], strict=True)
    ]


def read(document: TextDocument, focus: Focus, strip_markup: bool, options: argparse.Namespace) -> Passage:
    """Return a passage; without markup stripped, if it fails to be read."""
    chosen = {"tokens": options.tokens}
    if options.min_words is not None:  # versions before have no such argument
        chosen["min_words"] = options.min_words
    try:
        return passage(document, focus, strip_markup=strip_markup, **chosen)
    except (UnboundLocalError, ValueError):  # in versions before the isolation of passages
        return passage(document, focus, strip_markup=False, **chosen)


def first_words(model: LoadedModel, passages: Sequence[Passage]) -> list[str]:
    """Return the first candidate of each passage, in lower case. Equal passages are asked once."""
    asked = sorted({(item.text, item.masks, item.focus) for item in passages}, key=lambda item: len(item[0]))
    words: dict[tuple[str, object, int], str] = {}
    for number in range(0, len(asked), BATCH):
        batch = asked[number : number + BATCH]
        for (text, masks, focus), found in zip(
            batch, predict(model, [text for text, *_ in batch], top_k=1, max_subwords=1), strict=True
        ):
            place = [prediction.span for prediction in found].index(masks[focus])
            candidates = found[place].candidates
            words[text, masks, focus] = candidates[0].text.lower() if candidates else ""
    return [words[item.text, item.masks, item.focus] for item in passages]


def interval(correct: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval of a share."""
    share, center = correct / count, (correct + Z * Z / 2) / (count + Z * Z)
    half = Z * sqrt(share * (1 - share) * count + Z * Z / 4) / (count + Z * Z)
    return center - half, center + half


def gain(before: Sequence[bool], after: Sequence[bool]) -> str:
    """Return the difference of two paired shares with its 95 % confidence interval, in points."""
    differences = [second - first for first, second in zip(before, after, strict=True)]
    mean = sum(differences) / len(differences)
    variance = sum((difference - mean) ** 2 for difference in differences) / len(differences)
    half = Z * sqrt(variance / len(differences))
    return f"{mean * 100:+.1f} ({(mean - half) * 100:+.1f} to {(mean + half) * 100:+.1f})"


def share(outcomes: Sequence[bool]) -> str:
    """Return a share with its confidence interval."""
    low, high = interval(sum(outcomes), len(outcomes))
    return f"{sum(outcomes) / len(outcomes):.1%} ({low:.1%} to {high:.1%})"


def report(outcomes: Sequence[Outcome]) -> None:
    """Print a row for each kind: without markup, with markup, and the gain."""
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        rows = [outcome for outcome in outcomes if outcome.kind == kind]
        without, with_markup = [row.without_markup for row in rows], [row.with_markup for row in rows]
        print(
            f"| {kind} | {len(rows):,} | {share(without)} | {share(with_markup)} | {gain(with_markup, without)} |",
            flush=True,
        )


def compare(before: Path, after: Path) -> None:
    """Print a row for each kind: both versions without markup on the words that both files have, and the gain."""
    old: Mapping[tuple[str, str, int], Outcome] = {
        (row.kind, row.file, row.start): row for row in load_outcomes(before)
    }
    new = {(row.kind, row.file, row.start): row for row in load_outcomes(after)}
    for kind in dict.fromkeys(key[0] for key in new):
        keys = [key for key in new if key[0] == kind and key in old]
        first, second = [old[key].without_markup for key in keys], [new[key].without_markup for key in keys]
        if keys:
            print(f"| {kind} | {len(keys):,} | {share(first)} | {share(second)} | {gain(first, second)} |")


def load_outcomes(path: Path) -> list[Outcome]:
    return [Outcome(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--min-words", type=int, help="shorter comments and strings are read within the source")
    parser.add_argument("--words", type=int, default=3_000, help="words of each kind")
    parser.add_argument("--places", type=Path, nargs="*", default=[], help="files of --save whose words are measured")
    parser.add_argument("--sample-only", action="store_true", help="save the words without measuring them")
    parser.add_argument("--stripped-only", action="store_true", help="measure only the passages without markup")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    options = parser.parse_args()
    if options.compare:
        compare(*options.compare)
        return
    model = load(options.model)
    outcomes: list[Outcome] = []
    for folder in options.folders:
        places = [row for path in options.places for row in load_outcomes(path) if row.kind == folder.name]
        words = list({(row.file, row.start): row for row in places}.values())
        random.Random(folder.name).shuffle(words)
        words = words[: options.words] or sample_words(folder, options.words, model)
        outcomes += words if options.sample_only else measure(model, options, words)
        if not options.sample_only:
            report(outcomes[-len(words) :])
        if options.save:
            options.save.write_text(json.dumps([asdict(row) for row in outcomes]), encoding="utf-8")


if __name__ == "__main__":
    main()
