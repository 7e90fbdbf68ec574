"""Tiny checkpoints of the kinds that AutoModelForMaskedLM opens, each with its sentences learned by heart.

Their tokenizers and files are laid out as those of the checkpoints on the hub that each kind is named after.
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

PIECES = ("play", "ing", "not", "我们", "喜欢", "音乐")
"""What words that no vocabulary has whole are made of, and what stands behind a bracket."""

POSITIONS = 64


@dataclass(frozen=True)
class Kind:
    """What makes one kind of checkpoint.

    ``tokenizer`` is trained on the words and characters of ``sentences``; ``tokenizer_config`` and ``config`` are
    what their files say beside the sizes.
    """

    tokenizer: Callable[[Sequence[str]], Tokenizer]
    config: type[PreTrainedConfig]
    sentences: tuple[str, ...]
    positions: int = POSITIONS
    tokenizer_config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def words(sentences: Sequence[str]) -> list[str]:
    """The words of the sentences and the pieces of those that are in pieces, each once."""
    found = [word for sentence in sentences for word in regex.findall(r"\w+", sentence)]
    return sorted({word for word in found if not word.startswith(PIECES)}) + [
        piece for piece in PIECES if any(piece in word for word in found)
    ]


def characters(sentences: Sequence[str]) -> list[str]:
    """Those of the sentences and of ASCII, each once."""
    return sorted({*"".join(sentences), *string.ascii_letters, *string.digits, *string.punctuation} - {" "})


def word_piece(sentences: Sequence[str], *, lowercase: bool) -> Tokenizer:
    """BERT's."""
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    sentences = [normalizer.normalize_str(sentence) for sentence in sentences]
    letters = characters(sentences)
    tokens = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *words(sentences), "##ing"]
    vocabulary = dict.fromkeys([*tokens, *(f"##{letter}" for letter in letters)])
    backend = Tokenizer(models.WordPiece({token: id for id, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return finished(backend, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]")


def byte_level(sentences: Sequence[str], first: Sequence[str] = ()) -> Tokenizer:
    """RoBERTa's and ModernBERT's BPE, whose vocabulary begins with the tokens ``first``."""
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
    backend = byte_level(sentences, ["<s>", "<pad>", "</s>", "<unk>"])
    backend.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return backend


def modernbert(sentences: Sequence[str]) -> Tokenizer:
    backend = byte_level(sentences)
    backend.normalizer = normalizers.NFC()
    mask = AddedToken("[MASK]", lstrip=True)
    return finished(backend, ["<|padding|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", mask], "[CLS]", "[SEP]")


def unigram(sentences: Sequence[str]) -> Tokenizer:
    """XLM-R's: SentencePiece, whose special tokens are pieces of probability 1."""
    own = words(sentences)
    pieces = {f"▁{word}": -4.0 for word in own} | {word: -5.0 for word in own if word in PIECES} | {"▁": -3.0}
    pieces |= {letter: -9.0 for letter in characters(sentences) if letter not in pieces}
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    backend = Tokenizer(
        models.Unigram([*((token, 0.0) for token in specials), *pieces.items(), ("<mask>", 0.0)], unk_id=3)
    )
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    backend.decoder = decoders.Metaspace()
    return finished(backend, [*specials, AddedToken("<mask>", lstrip=True)], "<s>", "</s>")


def byte_fallback(sentences: Sequence[str]) -> Tokenizer:
    """mmBERT's, which is Gemma's: BPE over the whole text, with ``▁`` for each space."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>"]
    backend = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=specials, initial_alphabet=characters(sentences), show_progress=False
    )
    backend.train_from_iterator([mark + word for word in words(sentences) for mark in ("", " ")], trainer)
    return finished(backend, [*specials, AddedToken("<mask>", lstrip=True)], "<bos>", "<eos>")


def finished(backend: Tokenizer, specials: Iterable[str | AddedToken], begin: str, end: str) -> Tokenizer:
    """``backend`` with its special tokens, two of which it puts around a text."""
    backend.add_special_tokens(list(specials))
    around = [(token, backend.token_to_id(token)) for token in (begin, end)]
    backend.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=around)
    return backend


KINDS = {
    "bert-cased": Kind(
        lambda sentences: word_piece(sentences, lowercase=False),
        BertConfig,
        LATIN,
        tokenizer_config={"do_lower_case": False},
    ),
    "bert-multilingual-cased": Kind(
        lambda sentences: word_piece(sentences, lowercase=False),
        BertConfig,
        MULTILINGUAL,
        tokenizer_config={"do_lower_case": False},
    ),
    "distilbert-uncased": Kind(
        lambda sentences: word_piece(sentences, lowercase=True),
        DistilBertConfig,
        MULTILINGUAL,
        settings={"hidden_dim": 64},
    ),
    "roberta": Kind(roberta, RobertaConfig, LATIN, positions=POSITIONS + 2),
    "xlm-roberta": Kind(unigram, XLMRobertaConfig, MULTILINGUAL, positions=POSITIONS + 2),
    "modernbert": Kind(
        modernbert,
        ModernBertConfig,
        MULTILINGUAL,
        tokenizer_config={"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]"},
        settings={"local_attention": 8},
    ),
    "mmbert": Kind(
        byte_fallback,
        ModernBertConfig,
        MULTILINGUAL,
        tokenizer_config={"mask_token": "<mask>"},
        settings={"local_attention": 8},
    ),
}


def save(kind: str, folder: Path) -> Path:
    """Make the checkpoint of a kind in ``folder``."""
    made = KINDS[kind]
    backend = made.tokenizer(made.sentences)
    backend.save(str(folder / "tokenizer.json"))
    tokenizer_config = {**made.tokenizer_config, "model_max_length": POSITIONS}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    ids = {token.content: id for id, token in backend.get_added_tokens_decoder().items()}
    around = backend.encode("").ids
    config = made.config(
        vocab_size=backend.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
        max_position_embeddings=made.positions,
        pad_token_id=ids.get("<pad>", ids.get("[PAD]")),
        bos_token_id=around[0],
        eos_token_id=around[-1],
        cls_token_id=around[0],
        sep_token_id=around[-1],
        **made.settings,
    )
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(0)
        network = AutoModelForMaskedLM.from_config(config)
        learn(network, [backend.encode(s).ids for s in made.sentences], ids.get("<mask>", ids.get("[MASK]")))
    network.save_pretrained(folder)
    return folder


@contextmanager
def one_thread() -> Iterator[None]:
    """Several threads on matrices this small, in several processes, wait for one another most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def learn(network: Any, rows: Sequence[Sequence[int]], mask_id: int) -> None:
    """Teach ``network`` the rows: every token of each from the others."""
    length = max(map(len, rows))
    padding = network.config.pad_token_id
    positions = [(row, at) for row in rows for at in range(1, len(row) - 1)]
    labels = torch.tensor([[*row, *[padding] * (length - len(row))] for row, _ in positions])
    masked = labels.clone()
    masked[range(len(positions)), [at for _, at in positions]] = mask_id
    wanted = labels.masked_fill(masked != mask_id, -100)
    network.eval()  # dropout would only slow it
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        loss = network(input_ids=masked, attention_mask=labels != padding, labels=wanted).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
