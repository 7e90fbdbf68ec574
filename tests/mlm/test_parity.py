"""Every architecture that the installed transformers opens as a masked language model: our logits are its network's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

import parity
import random_checkpoints
from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.architectures import PADDING_INVARIANT, REFUSED
from parity import TOLERANCE, difference, largest_difference, networks_logits, own_network, rows_of
from random_checkpoints import ARCHITECTURES, LIMIT

pytestmark = pytest.mark.models

FolderOf = Callable[[str], Path]

SUPPORTED = [architecture for architecture in ARCHITECTURES if architecture not in REFUSED]
PROTEINS = ("esm", "esmc")
"""Architectures whose words are amino acids."""


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    return cache(lambda architecture: random_checkpoints.save(architecture, tmp_path_factory.mktemp(architecture)))


@pytest.fixture(scope="module", params=SUPPORTED)
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(architecture: str, folder_of: FolderOf) -> mlm.MaskedLM:
    return mlm.load(folder_of(architecture), dtype=torch.float32)


def test_page_says_how_the_architecture_works(architecture: str, folder_of: FolderOf) -> None:
    row = parity.measure(architecture, folder_of(architecture))
    assert row.agrees == "yes"
    assert str(row) in parity.rows_in_page(), "run python tests/parity.py"


def test_an_mpnet_is_computed_by_our_own_encoder(folder_of: FolderOf) -> None:
    assert mlm.load(folder_of("mpnet"), dtype=torch.float32).network is None


def test_every_known_architecture_exists() -> None:
    assert set(ARCHITECTURES) >= PADDING_INVARIANT | set(REFUSED)


@pytest.mark.parametrize("refused", REFUSED)
def test_refused_architecture_is_refused_with_its_reason(refused: str, folder_of: FolderOf) -> None:
    with pytest.raises(mlm.CheckpointError) as caught:
        mlm.load(folder_of(refused))
    assert str(caught.value).endswith(f"{refused} is not supported, because {REFUSED[refused]}.")
    assert str(parity.measure(refused, folder_of(refused))) in parity.rows_in_page()


@torch.inference_mode()
def test_mra_is_refused_because_its_network_reads_no_context(folder_of: FolderOf) -> None:
    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 10, 7, 11, 12]])
    logits = own_network(folder_of("mra"))(input_ids=ids).logits
    torch.testing.assert_close(logits[0, 2], logits[1, 2])


def test_bert_that_transformers_builds_agrees(tmp_path: Path) -> None:
    """A BERT with a decoder of its own weights is not read by our encoder."""
    random_checkpoints.save("bert", tmp_path, tie_word_embeddings=False)
    model = mlm.load(tmp_path, dtype=torch.float32)
    assert model.network is not None
    assert largest_difference(model, own_network(tmp_path)) <= TOLERANCE


def test_limit_is_the_networks(architecture: str, model: mlm.MaskedLM) -> None:
    assert model.tokenizer.max_length == LIMIT


def test_every_function_works(architecture: str, model: mlm.MaskedLM) -> None:
    text = f"MKT{MASK}LLAGVK" if architecture in PROTEINS else f"the cat {MASK} on the mat."
    original = text.replace(MASK, "V" if architecture in PROTEINS else "sat")
    inspection = mlm.inspect(model, original, rate=0.5, seed=1)
    assert inspection.layers == len(inspection.hidden_norms) - 1 >= 1
    assert all(norm > 0 for norm in inspection.hidden_norms)
    assert mlm.score(model, original).pseudo_log_likelihood < 0
    if architecture not in PROTEINS:
        assert mlm.predict(model, text)[0].candidates
        assert {target.text for target in mlm.rank_targets(model, text, ["sat", "dog"])} == {"sat", "dog"}
        assert mlm.fill_jointly(model, f"{text} a {MASK} ran.")
        assert mlm.substitutes(model, original, (4, 7))
        assert mlm.word_surprisals(model, original)


@torch.inference_mode()
def test_full_forward_pass_is_the_networks(architecture: str, model: mlm.MaskedLM, folder_of: FolderOf) -> None:
    row = rows_of(model)[3]
    output = mlm.forward(model, torch.tensor([row]))
    assert difference(output.logits[0], networks_logits(own_network(folder_of(architecture)), row)) <= TOLERANCE
    assert len(output.hidden_states) >= 2
    assert all(states.shape[0] == 1 and states.isfinite().all() for states in output.hidden_states)
