"""Read documents out of plain text, treebanks and dialogues."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import StepError

Document = list[str]
"""The paragraphs of one document."""

_SENTENCE = "# text = "


class TextError(StepError):
    """A text file can't be read; the message states the reason."""


def documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file, or of each file in a folder.

    - ``.conllu``: a treebank of Universal Dependencies.
    - ``.json``: dialogues, in the format of the Schema-Guided Dialogue data set; a dialogue is a paragraph.
    - other files: UTF-8 text, plain or ``.gz``, with one paragraph per line and a blank line between documents.

    Raises:
        TextError: a file can't be read.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*.*")):
            yield from documents(file)
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            if path.suffix == ".json":
                yield from _dialogues(lines.read())
            else:
                yield from _split(_treebank_lines(lines) if path.suffix == ".conllu" else lines)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TextError(f"{path} can't be read as text: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise TextError(f"{path} contains no dialogues: {error}") from error


def _split(lines: Iterable[str]) -> Iterator[Document]:
    paragraphs: Document = []
    for line in lines:
        if line.strip():
            paragraphs.append(line.strip())
        elif paragraphs:
            yield paragraphs
            paragraphs = []
    if paragraphs:
        yield paragraphs


def _treebank_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield each paragraph of a treebank, and a blank line before each document."""
    sentences: list[str] = []
    for line in lines:
        if line.startswith(("# newpar", "# newdoc")):
            yield from [" ".join(sentences)] if sentences else []
            sentences = []
        if line.startswith("# newdoc"):
            yield ""
        if line.startswith(_SENTENCE):
            sentences.append(line.removeprefix(_SENTENCE).strip())
    yield " ".join(sentences)


def _dialogues(text: str) -> Iterator[Document]:
    for dialogue in json.loads(text):
        yield [" ".join(turn["utterance"] for turn in dialogue["turns"])]
