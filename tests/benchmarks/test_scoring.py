"""Compare scoring sentences with minicons (if it is installed) and with its method on plain transformers."""

from __future__ import annotations

import importlib.util
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import torch

from benchmarks.figures import Figure, Figures
from fillmask_ls import mlm

COUNT = 200
REACH = 3
Scorer = Callable[[list[str]], list[float]]


def sentences() -> list[str]:
    """Return prose that every Python contains: the help topics of the language."""
    found = [
        " ".join(sentence.split())
        for text in topics.values()
        for sentence in re.findall(r"(?<=\n\n)[A-Z][^.\n]*(?:\n[^.\n]+)*\.(?=\s)", text)
    ]
    return random.Random(0).sample([each for each in found if 40 < len(each) < 200 and "  " not in each], COUNT)


def plain_transformers(folder: Path) -> Scorer:
    """Return the scorer of Salazar et al. (2020): one copy of the sentence for each token, with that token masked."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def score(text: str) -> float:
        ids = torch.tensor(tokenizer(text)["input_ids"])
        at = torch.arange(1, len(ids) - 1)
        masked = ids.repeat(len(at), 1)
        masked[at - 1, at] = tokenizer.mask_token_id
        logits = network(input_ids=masked).logits[at - 1, at]
        return float(logits.log_softmax(-1).gather(-1, ids[at, None]).sum())

    return lambda texts: [score(text) for text in texts]


def minicons(folder: Path) -> Scorer:
    if importlib.util.find_spec("minicons") is None:
        pytest.skip("minicons is not installed")
    from transformers import PreTrainedTokenizerBase

    # minicons 0.3 calls a method by its name in transformers 4.
    PreTrainedTokenizerBase.batch_encode_plus = PreTrainedTokenizerBase.__call__
    from minicons.scorer import MaskedLMScorer

    scorer = MaskedLMScorer(str(folder), "cpu", dtype=torch.float32)

    def score(texts: list[str]) -> list[float]:
        return [
            found
            for start in range(0, len(texts), 10)
            for found in scorer.sequence_score(
                texts[start : start + 10], reduction=lambda tokens: float(tokens.sum()), PLL_metric="original"
            )
        ]

    return score


@pytest.mark.parametrize("peer", [plain_transformers, minicons])
def test_scoring_is_three_times_as_fast_as_a_peer(
    peer: Callable[[Path], Scorer], figures: Figures, exported: Path
) -> None:
    def ours(dtype: torch.dtype | None) -> Scorer:
        model = mlm.load("embedded", dtype=dtype)
        return lambda texts: [score.pseudo_log_likelihood for score in mlm.score(model, texts, metric="original")]

    scorers = {"peer": peer(exported), "float32": ours(torch.float32), "default": ours(None)}
    seconds, scores = dict.fromkeys(scorers, 0.0), {name: list[float]() for name in scorers}
    texts = sentences()
    for start in range(0, COUNT, 20):
        for name, scorer in scorers.items():
            begun = time.perf_counter()
            scores[name] += scorer(texts[start : start + 20])
            seconds[name] += time.perf_counter() - begun
    ratios = {name: seconds["peer"] / seconds[name] for name in ("float32", "default")}
    for name, ratio in ratios.items():
        figures.add(Figure(f"{COUNT} sentences scored, {name}", peer.__name__.replace("_", " "), 1 / ratio, 1 / REACH))
    assert scores["float32"] == pytest.approx(scores["peer"], abs=1e-3)
    assert min(ratios.values()) >= REACH
