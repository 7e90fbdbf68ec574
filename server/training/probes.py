"""Probe a model with what people write: single sentences, unfinished text, comments, and questions."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from fillmask_ls import MASK
from fillmask_ls.mlm import MaskedLM
from fillmask_ls.mlm.masking import sample_mask
from fillmask_ls.mlm.tokenization import Encoding, Tokenizer
from fillmask_ls.presentation.percent import percent

from .documents import Document
from .figures import Figures, MaskedText, answer, figures
from .passages import break_off, passages, sentences
from .questions import Question, everyday_questions, facts, minimal_pairs, share_right

T = TypeVar("T")

_FUNCTION_WORDS = (
    "a about after again all also am an and any are as at be because been before being both but by can could did do does "
    "down each either else ever every few for from had has have he her here hers him his how i if in into is it its just "
    "less like many may me might more most much must my neither never no none nor not now of off on once one only or other "
    "our out over own same shall she should since so some still such than that the their them then there these they this "
    "those through to too under until up upon us very was we were what when where whether which while who whom whose why "
    "will with within without would yet you your"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that a sentence may well contain twice."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What a model does on texts of other kinds than long passages, and on questions.

    Attributes:
        single_sentences: over sentences of the held-out text on their own, each with one masked word.
        unfinished: the share (0 to 1) of texts that end at a mask whose first word, as an editor shows it, is right.
        comments: over first paragraphs of docstrings of Python's standard library, 15 % masked.
        repeated: the share (0 to 1) of single sentences where the most probable subword is a content word that the
            sentence contains already.
        repeated_right: the share (0 to 1) of those that are right.
        facts: the share (0 to 1) of questions about the world that the first word answers right.
        minimal_pairs: the share (0 to 1) of minimal pairs whose right word is more probable.
        everyday: how many of twenty everyday sentences get the expected word first.
    """

    single_sentences: Figures
    unfinished: float
    comments: Figures
    repeated: float
    repeated_right: float
    facts: float
    minimal_pairs: float
    everyday: int


def probe(model: MaskedLM, documents: Sequence[Document], max_texts: int) -> Probes:
    """Probe a model.

    Args:
        documents: held-out text, with at least one sentence of five words.
        max_texts: the maximum number of texts and questions of each kind, spread over all.
    """
    tokenizer = model.tokenizer
    alone = _spread(list(single_sentences(documents, tokenizer)), max_texts)
    answers = answer(model, alone)
    repeated = [
        is_repetition(text, int(at_mask[0, 3]), tokenizer) for text, at_mask in zip(alone, answers, strict=True)
    ]
    of_repeated = [bool(at_mask[0, 1] < 1) for at_mask, repeats in zip(answers, repeated, strict=True) if repeats]
    everyday = everyday_questions()
    return Probes(
        single_sentences=figures(answers),
        unfinished=share_right(model, _spread(list(unfinished_texts(documents, tokenizer)), max_texts)),
        comments=figures(answer(model, list(islice(comments(tokenizer), max_texts)))),
        repeated=sum(repeated) / len(repeated),
        repeated_right=sum(of_repeated) / max(1, len(of_repeated)),
        facts=share_right(model, _spread(facts(), max_texts)),
        minimal_pairs=share_right(model, _spread(minimal_pairs(), max_texts)),
        everyday=round(share_right(model, everyday) * len(everyday)),
    )


def probe_lines(probes: Sequence[Probes]) -> list[list[str]]:
    """Return one line per figure with one column per model."""
    if not probes:
        return []
    kinds = ("single_sentences", "comments")
    return [
        *(
            [
                f"{kind.replace('_', ' ')}: top-1, top-5",
                *(f"{percent(getattr(probe, kind).top_1)}, {percent(getattr(probe, kind).top_5)}" for probe in probes),
            ]
            for kind in kinds
        ),
        ["end of unfinished text: top-1", *(percent(probe.unfinished) for probe in probes)],
        ["first choice repeats a content word", *(percent(probe.repeated) for probe in probes)],
        ["of those right", *(percent(probe.repeated_right) for probe in probes)],
        ["facts: right at top-1", *(percent(probe.facts) for probe in probes)],
        ["minimal pairs", *(percent(probe.minimal_pairs) for probe in probes)],
        ["20 everyday sentences: expected word first", *(str(probe.everyday) for probe in probes)],
    ]


def single_sentences(documents: Sequence[Document], tokenizer: Tokenizer, seed: int = 0) -> Iterator[MaskedText]:
    """Yield each sentence of 5 to 40 words, masked at one word; of one subword, so that any vocabulary has it."""
    chance = random.Random(seed)  # noqa: S311
    for document in documents:
        for sentence in (sentence for paragraph in document for sentence in sentences(paragraph)):
            if 5 <= len(sentence.split()) <= 40:
                encoding = tokenizer.encode(sentence, masks=())
                if whole := _whole_words(encoding, sentence):
                    yield MaskedText(encoding, _one(encoding, chance.choice(whole)))


def unfinished_texts(documents: Sequence[Document], tokenizer: Tokenizer, seed: int = 0) -> Iterator[Question]:
    """Yield the start of each passage, with a mask in place of its last word, if that has one subword."""
    chance = random.Random(seed)  # noqa: S311
    for document in documents:
        for passage in passages(document, tokenizer, min(128, tokenizer.max_length)):
            start = break_off(passage, chance)
            encoding = tokenizer.encode(start, masks=())
            whole = _whole_words(encoding, start)
            if start != passage and whole and encoding.offsets[whole[-1]][1] == len(start):
                word = start[encoding.offsets[whole[-1]][0] :].strip()
                yield Question(start.removesuffix(word) + MASK, (word,))


def comments(tokenizer: Tokenizer, seed: int = 0) -> Iterator[MaskedText]:
    """Yield the first paragraphs of docstrings in Python's standard library, 15 % masked."""
    generator = torch.Generator().manual_seed(seed)
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    random.Random(seed).shuffle(files)  # noqa: S311
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and (docstring := ast.get_docstring(node)):
                text = " ".join(docstring.split("\n\n")[0].split())
                encoding = tokenizer.encode(text, masks=())
                if len(text.split()) >= 6 and len(encoding.ids) <= min(128, tokenizer.max_length):
                    yield MaskedText(encoding, sample_mask(encoding, 0.15, generator=generator))


def is_repetition(text: MaskedText, first: int, tokenizer: Tokenizer) -> bool:
    """Return whether the subword ``first`` is a content word that stands elsewhere in the text."""
    word = tokenizer.decode([first]).lower()
    others = [id for id, masked in zip(text.encoding.ids, text.chosen.tolist(), strict=True) if not masked]
    return word.isalpha() and len(word) > 1 and word not in FUNCTION_WORDS and first in others


def _whole_words(encoding: Encoding, text: str) -> list[int]:
    """Return the tokens that are words of letters on their own."""
    counts = Counter(encoding.words)
    return [
        token
        for token, (word, (start, end)) in enumerate(zip(encoding.words, encoding.offsets, strict=True))
        if word is not None and counts[word] == 1 and text[start:end].strip().isalpha()
    ]


def _one(encoding: Encoding, token: int) -> Tensor:
    chosen = torch.zeros(len(encoding.ids), dtype=torch.bool)
    chosen[token] = True
    return chosen


def _spread(texts: Sequence[T], count: int) -> list[T]:
    """Return at most ``count`` items, evenly spread."""
    step = max(1.0, len(texts) / count)
    return [texts[int(number * step)] for number in range(min(count, len(texts)))]
