"""A tiny random checkpoint of every architecture that the installed transformers opens with AutoModelForMaskedLM.

An architecture that is not named here gets BERT's tokenizer and small sizes, so a new one is tested by itself.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForMaskedLM, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

import tiny_tokenizers
from fillmask_ls.mlm.checkpoint import Checkpoint
from fillmask_ls.mlm.tokenization import Tokenizer
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from tiny_checkpoints import one_thread

ARCHITECTURES = tuple(MODEL_FOR_MASKED_LM_MAPPING_NAMES)

LIMIT = 96
"""The limit of tokens, special tokens included: longer than the blocks in which networks compute."""

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "embedding_size": 32,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": LIMIT,
    "initializer_range": 0.2,
    "init_std": 0.2,
}
"""Values of a configuration, by the names that most configurations use."""


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is built.

    Attributes:
        tokenizer: a kind of :mod:`tiny_tokenizers`.
        offset: positions that the network has besides those of tokens.
        settings: the configuration's values besides the sizes.
    """

    tokenizer: str = "wordpiece-uncased"
    offset: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


_XLM = {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "embed_init_std": 0.2}
_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
_RECIPES = {
    "albert": Recipe("unigram", settings={"embedding_size": 16}),
    "bart": Recipe("byte-level"),
    "big_bird": Recipe("unigram", settings={"block_size": 4, "num_random_blocks": 1}),
    "camembert": Recipe("unigram-prepended-space", 2),
    "data2vec-text": Recipe("byte-level-end-only", 2),
    "deberta": Recipe("byte-level", settings={"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}),
    "deberta-v2": Recipe(
        "unigram",
        settings={
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_biased_input": False,
            "conv_kernel_size": 3,
            "conv_act": "gelu",
        },
    ),
    "distilbert": Recipe(settings={"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    "esm": Recipe("amino-acids-python", 2, {"token_dropout": True}),
    "esmc": Recipe("amino-acids"),
    "eurobert": Recipe("byte-level-nfc"),
    "flaubert": Recipe("word-ends", settings=_XLM),
    "fnet": Recipe("unigram"),
    "funnel": Recipe(
        settings={"block_sizes": [1, 1], "num_decoder_layers": 1, "n_head": 2, "d_head": 16, "d_inner": 64}
    ),
    "gte": Recipe("unigram-no-specials"),
    "ibert": Recipe("byte-level", 2),
    "jina_embeddings_v3": Recipe("unigram"),
    "longformer": Recipe("byte-level", 2, {"attention_window": 8}),
    "luke": Recipe("byte-level-added", 2, {"entity_vocab_size": 10, "entity_emb_size": 16}),
    "mbart": Recipe("unigram"),
    "modernbert": Recipe("byte-level-nfc", settings={"local_attention": 8}),
    "modernvbert": Recipe("byte-level-nfc", settings={"vision_config": _VISION, "image_token_id": 9}),
    "mpnet": Recipe(offset=2),
    "mra": Recipe("byte-level"),
    "mobilebert": Recipe(settings={"intra_bottleneck_size": 32, "num_feedforward_networks": 2}),
    "mvp": Recipe("byte-level"),
    "neomme": Recipe(
        "byte-fallback", settings={"num_key_value_heads": 1, "head_dim": 16, "embedding_rank": 16, "sliding_window": 8}
    ),
    "nystromformer": Recipe("unigram"),
    "perceiver": Recipe("bytes", settings={"d_latents": 32, "num_latents": 16, "num_self_attends_per_block": 2}),
    "reformer": Recipe(
        "unigram",
        settings={
            "attention_head_size": 16,
            "feed_forward_size": 64,
            "axial_pos_shape": [8, 12],
            "axial_pos_embds_dim": [16, 16],
            "local_attn_chunk_length": 16,
            "lsh_attn_chunk_length": 16,
            "attn_layers": ["local", "lsh"],
            "num_buckets": 4,
            "hash_seed": 0,
        },
    ),
    "roc_bert": Recipe("roc-bert", settings={"shape_vocab_size": 10, "pronunciation_vocab_size": 10}),
    "rembert": Recipe("unigram", settings={"input_embedding_size": 16, "output_embedding_size": 24}),
    "roberta": Recipe("byte-level", 2),
    "roberta-prelayernorm": Recipe("byte-level-two-begin", 2),
    "squeezebert": Recipe(settings={f"{part}_groups": 2 for part in ("q", "k", "v", "intermediate", "output")}),
    "tapas": Recipe("tapas"),
    "electra": Recipe("wordpiece-added"),
    "ernie": Recipe("characters"),
    "layoutlm": Recipe("wordpiece-holes-added"),
    "megatron-bert": Recipe("wordpiece-holes"),
    "nomic_bert": Recipe("words"),
    "roformer": Recipe("wordpiece-characters"),
    "ultrabert": Recipe("byte-fallback", settings={"sliding_window": 8, "prediction_head_size": 32}),
    "ultravbert": Recipe("byte-fallback", settings={"vision_config": _VISION, "image_token_id": 9}),
    "xlm": Recipe("word-ends", settings=_XLM),
    "xlm-roberta": Recipe("unigram", 2),
    "xlm-roberta-xl": Recipe("unigram", 2),
    "xmod": Recipe("unigram", 2, {"default_language": "en_XX"}),
    "yoso": Recipe("unigram"),
}


def tokenizer_kind(architecture: str) -> str:
    """Return the kind of tokenizer that an architecture's checkpoint gets."""
    return _RECIPES.get(architecture, Recipe()).tokenizer


def save(architecture: str, folder: Path, **settings: Any) -> Path:
    """Build a random checkpoint of an architecture in ``folder``, and return the folder.

    Args:
        architecture: a ``model_type``.
        folder: where the files are written.
        settings: other values of the configuration than the recipe's.
    """
    recipe = _RECIPES.get(architecture, Recipe())
    tokenizer = load_tokenizer(Checkpoint(architecture, tiny_tokenizers.write(recipe.tokenizer, folder)))
    set_limit(folder, LIMIT)
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(0)
        network = AutoModelForMaskedLM.from_config(_config(architecture, recipe, tokenizer, settings))
        for weights in network.parameters():
            if weights.dim() == 1:  # biases are initialized with zeros, and layer norms with ones
                torch.nn.init.normal_(weights, std=0.2, mean=float(weights.detach().mean()))
        for module in network.modules():
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                torch.nn.init.normal_(module.weight[module.padding_idx], std=0.2)  # zeros, in place of what was learned
    network.save_pretrained(folder)
    return folder


def _config(architecture: str, recipe: Recipe, tokenizer: Tokenizer, changes: dict[str, Any]) -> PreTrainedConfig:
    around = tokenizer.encode("").ids or [tokenizer.mask_id]
    values = {
        **_SIZES,
        "max_position_embeddings": LIMIT + recipe.offset,
        "vocab_size": tokenizer.vocab_size + 3,  # padded, as vocabularies are to a multiple of 8
        "pad_token_id": next(id for id, token in enumerate(tokenizer.vocabulary) if token in ("<pad>", "[PAD]")),
        "mask_token_id": tokenizer.mask_id,
        "bos_token_id": around[0],
        "eos_token_id": around[-1],
        "decoder_start_token_id": around[-1],
    }
    known = _parameters(architecture)
    settings = {name: value for name, value in values.items() if name in known} | recipe.settings | changes
    if "text_config" in known:
        text = CONFIG_MAPPING[architecture]().get_text_config().model_type
        settings["text_config"] = {name: value for name, value in values.items() if name in _parameters(text)}
    return CONFIG_MAPPING[architecture](**settings)


def set_limit(folder: Path, limit: int | None) -> None:
    """Write the limit of tokens that the tokenizer claims."""
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps({**settings, "model_max_length": limit}))


def _parameters(architecture: str) -> set[str]:
    return set(inspect.signature(CONFIG_MAPPING[architecture]).parameters)
