"""Compare the library with transformers' pipeline and minicons: processor time of one thread, in turns, medians.

Both sides compute the embedded checkpoint in float32.
"""

from __future__ import annotations

import importlib.util
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest
import torch

from benchmarks.figures import Figure, Figures
from fillmask_ls import MASK, mlm

ROUNDS = 3


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def sentences(shortest: int, longest: int) -> list[str]:
    """Return prose that every Python contains: the help topics of the language."""
    found = [
        " ".join(sentence.split())
        for text in topics.values()
        for sentence in re.findall(r"(?<=\n\n)[A-Z][^.\n]*(?:\n[^.\n]+)*\.(?=\s)", text)
    ]
    return [sentence for sentence in found if shortest < len(sentence) < longest and "  " not in sentence]


def prompts(count: int) -> list[str]:
    """Return short sentences, each with one word masked."""
    choose = random.Random(0)
    found: list[str] = []
    while len(found) < count:
        sentence = choose.choice(sentences(30, 90))
        start, end = choose.choice([match.span() for match in re.finditer(r"\w+", sentence)])
        found.append(sentence[:start] + MASK + sentence[end:])
    return found


def pipeline(folder: Path) -> Any:
    from transformers import pipeline

    return pipeline("fill-mask", model=str(folder), device="cpu", dtype=torch.float32)


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return how many times the peer's processor time ours is, by medians of runs in turns."""
    ours(), theirs()
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    mine, peer = (statistics.median(side) for side in zip(*times, strict=True))
    return mine / peer


def test_many_prompts_with_words_of_one_subword(figures: Figures, exported: Path) -> None:
    model, pipe, texts = mlm.load("embedded", dtype="float32"), pipeline(exported), prompts(2000)
    found = ratio(lambda: model.predict(texts, max_subwords=1), lambda: pipe(texts, batch_size=32))
    figures.add(Figure("2,000 prompts, words of one subword", "the pipeline in batches of 32", found, 1 / 2.5))
    assert found <= 1 / 2.5


def test_many_prompts_with_words_of_several_subwords(figures: Figures, exported: Path) -> None:
    model, pipe, texts = mlm.load("embedded", dtype="float32"), pipeline(exported), prompts(2000)
    found = ratio(lambda: model.predict(texts), lambda: [pipe(text) for text in texts])
    figures.add(Figure("2,000 prompts, words of several subwords", "the pipeline one by one", found, 1))
    assert found <= 1


def test_prompts_one_by_one(figures: Figures, exported: Path) -> None:
    model, pipe, texts = mlm.load("embedded", dtype="float32"), pipeline(exported), prompts(300)
    found = ratio(lambda: [model.predict(text) for text in texts], lambda: [pipe(text) for text in texts])
    figures.add(Figure("prompts one by one, defaults", "the pipeline one by one", found, 1))
    assert found <= 1


def test_cloze_of_ten_targets(figures: Figures, exported: Path) -> None:
    model, pipe, texts = mlm.load("embedded", dtype="float32"), pipeline(exported), prompts(300)
    targets = ["name", "value", "object", "class", "list", "function", "the", "a", "is", "if"]
    found = ratio(
        lambda: model.cloze(texts, targets), lambda: [pipe(text, targets=targets, top_k=10) for text in texts]
    )
    figures.add(Figure("300 prompts, ten targets", "the pipeline with targets", found, 1 / 4))
    [ours], theirs = model.cloze(texts[:1], targets), pipe(texts[0], targets=targets, top_k=10)
    scores = {each["token_str"]: each["score"] for each in theirs}
    assert [target.probability for target in ours] == pytest.approx([scores[target.text] for target in ours], rel=1e-3)
    assert found <= 1 / 4


def test_scores_of_sentences(figures: Figures, exported: Path) -> None:
    if importlib.util.find_spec("minicons") is None:
        pytest.skip("minicons is not installed")
    from transformers import PreTrainedTokenizerBase

    # minicons 0.3 calls a method by its name in transformers 4.
    PreTrainedTokenizerBase.batch_encode_plus = PreTrainedTokenizerBase.__call__
    from minicons.scorer import MaskedLMScorer

    model, scorer = mlm.load("embedded", dtype="float32"), MaskedLMScorer(str(exported), "cpu", dtype=torch.float32)
    texts = random.Random(0).choices(sentences(40, 200), k=1000)  # there are some 500, and neither side keeps results

    def theirs() -> list[float]:
        return [
            found
            for start in range(0, len(texts), 10)
            for found in scorer.sequence_score(
                texts[start : start + 10],
                reduction=lambda tokens: float(tokens.double().sum()),
                PLL_metric="within_word_l2r",
            )
        ]

    found = ratio(lambda: model.score(texts), theirs, rounds=1)
    figures.add(Figure("1,000 sentences scored in float32", "minicons", found, 1 / 3))
    ours = [score.pseudo_log_likelihood / len(score.tokens) for score in model.score(texts[:50])]
    peers = [total / len(score.tokens) for total, score in zip(theirs()[:50], model.score(texts[:50]), strict=True)]
    assert ours == pytest.approx(peers, abs=1e-4)
    assert found <= 1 / 3


STREAM = """
import itertools, psutil
from fillmask_ls import mlm
model = mlm.load("embedded", dtype="float32")
texts = (f"Row {number} of the table is [MASK]." for number in range({count}))
stream = model.predict_stream(texts, max_subwords=1, top_k=3)
used = [psutil.Process().memory_info().rss for _ in itertools.islice(stream, 1)]
loaded = used[0]
highest = max([psutil.Process().memory_info().rss for number, _ in enumerate(stream) if number % 50 == 0] + used)
print(highest - loaded)
"""


def test_memory_of_a_long_stream(figures: Figures) -> None:
    grown = []
    for count in (500, 10_000):
        code = STREAM.replace("{count}", str(count))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        grown.append(int(done.stdout) / 2**20)
    print(f"\nmemory above the model after the first row: {grown[0]:.0f} MB of 500 rows, {grown[1]:.0f} MB of 10,000")
    assert max(grown) < 100
