"""Networks that read long texts, at their real limits: the window keeps the mask, and the answer is the network's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import random_checkpoints
from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.windows import contexts, windows
from parity import TOLERANCE, difference, networks_logits, own_network, rows_of

pytestmark = pytest.mark.models

REAL_LIMITS: dict[str, tuple[int, dict[str, Any]]] = {
    "bert": (512, {"max_position_embeddings": 512}),
    "roberta": (512, {"max_position_embeddings": 514}),
    "mpnet": (512, {"max_position_embeddings": 514}),
    "bart": (1024, {"max_position_embeddings": 1024}),
    "longformer": (4096, {"max_position_embeddings": 4098, "attention_window": 512}),
    "big_bird": (4096, {"max_position_embeddings": 4096, "block_size": 64, "num_random_blocks": 3}),
    "modernbert": (8192, {"max_position_embeddings": 8192, "local_attention": 128}),
}
"""The limit of tokens of each architecture's published checkpoints, and the values of their configurations."""


LONG = "the cat sat on the mat. "


def save(architecture: str, folder: Path, **settings: Any) -> Path:
    random_checkpoints.save(architecture, folder, **settings)
    random_checkpoints.set_limit(folder, None)  # the limit is the network's
    return folder


@pytest.mark.parametrize("architecture", REAL_LIMITS)
def test_answer_at_the_limit_is_the_networks(architecture: str, tmp_path: Path) -> None:
    limit, settings = REAL_LIMITS[architecture]
    model = mlm.load(save(architecture, tmp_path, **settings), dtype=torch.float32)
    assert model.tokenizer.max_length == limit
    network = own_network(tmp_path)
    for row in reversed(rows_of(model, (limit,))):  # a short text before would change BigBird's network
        positions = [position for position, id in enumerate(row) if id == model.tokenizer.mask_id][-20:]
        theirs = networks_logits(network, row)[positions]
        assert difference(model.logits([row], [positions]), theirs) <= TOLERANCE
    text = f"{LONG * (limit // 3)}the {MASK} ran. {LONG * (limit // 3)}"
    (prediction,) = mlm.predict(model, text, top_k=1, max_subwords=1)
    (window,) = windows(model, text, [prediction.span])
    (context,) = contexts(model, window)
    assert limit - 16 <= len(context.input_ids) <= limit
    theirs = networks_logits(own_network(tmp_path), context.input_ids)[context.mask_positions[0]].softmax(-1)
    (best,) = prediction.candidates
    ((_, id),) = best.subwords
    assert best.probability == pytest.approx(float(theirs[id]), abs=1e-5)


@pytest.mark.parametrize("claimed", [None, -1, 10**30])
@pytest.mark.parametrize(
    ("architecture", "settings"),
    [("funnel", {}), ("eurobert", {"max_position_embeddings": -1}), ("modernbert", {"max_position_embeddings": -1})],
)
def test_network_without_a_limit_reads_a_text_in_windows(
    architecture: str, settings: dict[str, Any], claimed: int | None, tmp_path: Path
) -> None:
    save(architecture, tmp_path, **settings)
    random_checkpoints.set_limit(tmp_path, claimed)
    model = mlm.load(tmp_path, dtype=torch.float32)
    assert 512 <= model.tokenizer.max_length <= 2048
    text = f"the cat {MASK} on the mat. " * 500
    assert len(mlm.predict(model, text, top_k=1, max_subwords=1)) == 500


PREDICT = """
import resource, sys
from fillmask_ls import mlm
model = mlm.load(sys.argv[1])
mlm.predict(model, "the [MASK] sat.", max_subwords=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mlm.predict(model, "the cat sat " * 3000 + "[MASK]" + " the cat sat" * 3000, max_subwords=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_memory_for_a_long_text_is_bounded(tmp_path: Path) -> None:
    """The logits of a vocabulary of 50,368 tokens at all of 8,192 positions would take 1.65 GB."""
    save(
        "modernbert",
        tmp_path,
        max_position_embeddings=8192,
        local_attention=128,
        vocab_size=50_368,
        num_hidden_layers=1,
    )
    done = subprocess.run([sys.executable, "-c", PREDICT, str(tmp_path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000
