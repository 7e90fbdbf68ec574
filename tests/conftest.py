"""The models that tests predict with: the embedded one, and small ones of other kinds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# pytest --hypothesis-profile=long: twenty times as many examples.
settings.register_profile("long", max_examples=2_000, deadline=None)

# Before anything imports the hub's client: no test may reach a network or the user's cache unasked.
_HUB_CACHE = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
os.environ["HF_HUB_OFFLINE"] = "1"

from fillmask_ls import mlm  # noqa: E402
from fillmask_ls.mlm.checkpoint import EMBEDDED  # noqa: E402

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, for this process and those it starts, so that ``auto`` is the embedded model."""
    import huggingface_hub.constants
    import huggingface_hub.file_download

    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def real_hub_cache() -> Path:
    """The user's own cache, which may hold a model that is too large to come with the tests."""
    return Path(_HUB_CACHE).expanduser()


@pytest.fixture(scope="session")
def model() -> mlm.MaskedLM:
    """The embedded model in float32."""
    import torch

    return mlm.load("embedded", dtype=torch.float32)


@pytest.fixture(scope="session")
def network() -> PreTrainedModel:
    """The same as transformers computes it, to compare with."""
    import torch
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(EMBEDDED, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> mlm.MaskedLM:
    """A byte-level RoBERTa that has learned three sentences."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

    sentences = ["the cat sat on the mat", "the dog sat on the rug", "a cat and a dog sat"]
    folder = tmp_path_factory.mktemp("roberta")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend.train_from_iterator(
        sentences * 30,
        trainers.BpeTrainer(
            vocab_size=340, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=backend.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
    )
    network = RobertaForMaskedLM(config)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    encoded = [backend.encode(sentence).ids for sentence in sentences]
    for step in range(150):
        ids = torch.tensor([encoded[step % 3]])
        position = 1 + step % (ids.shape[1] - 2)
        masked = ids.clone()
        masked[0, position] = backend.token_to_id("<mask>")
        loss = network(input_ids=masked, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    network.save_pretrained(folder)
    return mlm.load(str(folder), dtype=torch.float32)


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the embedded checkpoint to break."""

    def copy() -> Path:
        folder = tmp_path / "checkpoint"
        shutil.copytree(EMBEDDED, folder)
        return folder

    return copy
