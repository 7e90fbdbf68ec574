"""Two-layer checkpoints of the architectures that AutoModelForMaskedLM opens, each with memorized sentences.

Their tokenizers and files look like those of the hub's checkpoints that they are named after.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regex
import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    PreTrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

LATIN = (
    "the cat sat on the mat.",
    "a dog (not wolves) ran past.",
    "they were playing in parks.",
    "Zoë boit du café à Orléans.",
)
MULTILINGUAL = (*LATIN, "кошка спит на ковре.", "我们喜欢音乐。")

SUBWORDS = ("play", "ing", "not", "我们", "喜欢", "音乐")
"""Subwords of words that no vocabulary contains, and a word after a bracket."""

POSITIONS = 64
"""The limit of tokens, special tokens included."""


@dataclass(frozen=True)
class TinyCheckpoint:
    """The recipe of a tiny checkpoint.

    Attributes:
        tokenizer: builds a tokenizer from the words and characters of ``sentences``.
        config: the configuration's class.
        sentences: the sentences that the network memorizes.
        positions: the size of the network's position embeddings.
        tokenizer_config: the content of ``tokenizer_config.json`` besides the limit of tokens.
        settings: the configuration's values besides the sizes.
    """

    tokenizer: Callable[[Sequence[str]], Tokenizer]
    config: type[PreTrainedConfig]
    sentences: tuple[str, ...]
    positions: int = POSITIONS
    tokenizer_config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def words(sentences: Sequence[str]) -> list[str]:
    """Return the words of the sentences, and the subwords of those that have several, each once."""
    all_words = [word for sentence in sentences for word in regex.findall(r"\w+", sentence)]
    return sorted({word for word in all_words if not word.startswith(SUBWORDS)}) + [
        subword for subword in SUBWORDS if any(subword in word for word in all_words)
    ]


def characters(sentences: Sequence[str]) -> list[str]:
    """Return the characters of the sentences and of ASCII, each once."""
    return sorted({*"".join(sentences), *string.ascii_letters, *string.digits, *string.punctuation} - {" "})


def word_piece(sentences: Sequence[str], *, lowercase: bool) -> Tokenizer:
    """Return a tokenizer like BERT's."""
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    sentences = [normalizer.normalize_str(sentence) for sentence in sentences]
    letters = characters(sentences)
    tokens = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *words(sentences), "##ing"]
    vocabulary = dict.fromkeys([*tokens, *(f"##{letter}" for letter in letters)])
    backend = Tokenizer(models.WordPiece({token: id for id, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return finish(backend, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]")


def byte_level(sentences: Sequence[str], first: Sequence[str] = ()) -> Tokenizer:
    """Return a BPE like RoBERTa's and ModernBERT's; its vocabulary begins with the tokens ``first``."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=list(first),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([mark + word for word in words(sentences) for mark in ("", " ")], trainer)
    return backend


def roberta(sentences: Sequence[str]) -> Tokenizer:
    """Return a tokenizer like RoBERTa's."""
    backend = byte_level(sentences, ["<s>", "<pad>", "</s>", "<unk>"])
    backend.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return backend


def modernbert(sentences: Sequence[str]) -> Tokenizer:
    """Return a tokenizer like ModernBERT's."""
    backend = byte_level(sentences)
    backend.normalizer = normalizers.NFC()
    mask = AddedToken("[MASK]", lstrip=True)
    return finish(backend, ["<|padding|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", mask], "[CLS]", "[SEP]")


def unigram(sentences: Sequence[str]) -> Tokenizer:
    """Return a tokenizer like XLM-R's: SentencePiece, whose special tokens have the probability 1."""
    own = words(sentences)
    scores = {f"▁{word}": -4.0 for word in own} | {word: -5.0 for word in own if word in SUBWORDS} | {"▁": -3.0}
    scores |= {letter: -9.0 for letter in characters(sentences) if letter not in scores}
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    backend = Tokenizer(
        models.Unigram([*((token, 0.0) for token in specials), *scores.items(), ("<mask>", 0.0)], unk_id=3)
    )
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    backend.decoder = decoders.Metaspace()
    return finish(backend, [*specials, AddedToken("<mask>", lstrip=True)], "<s>", "</s>")


def byte_fallback(sentences: Sequence[str]) -> Tokenizer:
    """Return a tokenizer like mmBERT's, which is Gemma's: BPE over the whole text, with ``▁`` for each space."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>"]
    backend = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=specials, initial_alphabet=characters(sentences), show_progress=False
    )
    backend.train_from_iterator([mark + word for word in words(sentences) for mark in ("", " ")], trainer)
    return finish(backend, [*specials, AddedToken("<mask>", lstrip=True)], "<bos>", "<eos>")


def finish(backend: Tokenizer, specials: Iterable[str | AddedToken], begin: str, end: str) -> Tokenizer:
    """Add special tokens, of which ``begin`` and ``end`` are put around a text."""
    backend.add_special_tokens(list(specials))
    around = [(token, backend.token_to_id(token)) for token in (begin, end)]
    backend.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=around)
    return backend


TINY_CHECKPOINTS = {
    "bert-cased": TinyCheckpoint(
        lambda sentences: word_piece(sentences, lowercase=False),
        BertConfig,
        LATIN,
        tokenizer_config={"do_lower_case": False},
    ),
    "bert-multilingual-cased": TinyCheckpoint(
        lambda sentences: word_piece(sentences, lowercase=False),
        BertConfig,
        MULTILINGUAL,
        tokenizer_config={"do_lower_case": False},
    ),
    "distilbert-uncased": TinyCheckpoint(
        lambda sentences: word_piece(sentences, lowercase=True),
        DistilBertConfig,
        MULTILINGUAL,
        settings={"hidden_dim": 64},
    ),
    "roberta": TinyCheckpoint(roberta, RobertaConfig, LATIN, positions=POSITIONS + 2),
    "xlm-roberta": TinyCheckpoint(unigram, XLMRobertaConfig, MULTILINGUAL, positions=POSITIONS + 2),
    "modernbert": TinyCheckpoint(
        modernbert,
        ModernBertConfig,
        MULTILINGUAL,
        tokenizer_config={"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]"},
        settings={"local_attention": 8},
    ),
    "mmbert": TinyCheckpoint(
        byte_fallback,
        ModernBertConfig,
        MULTILINGUAL,
        tokenizer_config={"mask_token": "<mask>"},
        settings={"local_attention": 8},
    ),
}


def save(name: str, folder: Path) -> Path:
    """Build a checkpoint in ``folder``, and return the folder."""
    recipe = TINY_CHECKPOINTS[name]
    backend = recipe.tokenizer(recipe.sentences)
    backend.save(str(folder / "tokenizer.json"))
    tokenizer_config = {**recipe.tokenizer_config, "model_max_length": POSITIONS}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    ids = {token.content: id for id, token in backend.get_added_tokens_decoder().items()}
    around = backend.encode("").ids
    config = recipe.config(
        vocab_size=backend.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
        max_position_embeddings=recipe.positions,
        pad_token_id=ids.get("<pad>", ids.get("[PAD]")),
        bos_token_id=around[0],
        eos_token_id=around[-1],
        cls_token_id=around[0],
        sep_token_id=around[-1],
        **recipe.settings,
    )
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(0)
        network = AutoModelForMaskedLM.from_config(config)
        learn(network, [backend.encode(s).ids for s in recipe.sentences], ids.get("<mask>", ids.get("[MASK]")))
    network.save_pretrained(folder)
    return folder


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: several would wait for one another most of the time on matrices this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def learn(network: Any, rows: Sequence[Sequence[int]], mask_id: int) -> None:
    """Train ``network`` to predict every token of each row from the others."""
    length = max(map(len, rows))
    padding = network.config.pad_token_id
    examples = [(row, position) for row in rows for position in range(1, len(row) - 1)]
    originals = torch.tensor([[*row, *[padding] * (length - len(row))] for row, _ in examples])
    masked = originals.clone()
    masked[range(len(examples)), [position for _, position in examples]] = mask_id
    labels = originals.masked_fill(masked != mask_id, -100)
    network.eval()  # dropout would slow the training down
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        loss = network(input_ids=masked, attention_mask=originals != padding, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
