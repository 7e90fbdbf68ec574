"""Small tokenizers of every kind, as the files that checkpoints have.

:func:`write` writes a tokenizer, :func:`save` a checkpoint that pairs it with an untrained network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.normalizers import BertNormalizer
from transformers import AutoModelForMaskedLM, BertConfig, PreTrainedConfig

from tiny_checkpoints import (
    MULTILINGUAL,
    POSITIONS,
    byte_fallback,
    characters,
    finish,
    modernbert,
    one_thread,
    roberta,
    unigram,
    word_piece,
    words,
)

SENTENCES = (*MULTILINGUAL, "私は学生です。", "猫が好き。")
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ADDED = "covid"
"""A word that is added to vocabularies that don't contain it."""


def write(kind: str, folder: Path) -> Path:
    """Write the files of a tokenizer and the configuration's ``model_type``; return the folder."""
    (folder / "config.json").write_text('{"model_type": "bert"}')
    KINDS[kind](folder)
    return folder


def save(kind: str, folder: Path, config: type[PreTrainedConfig] = BertConfig, **settings: Any) -> Path:
    """Write a tokenizer and an untrained network of the class of ``config``; return the folder."""
    from fillmask_ls.mlm.checkpoint import Checkpoint
    from fillmask_ls.mlm.tokenizer_files import load_tokenizer

    tokenizer = load_tokenizer(Checkpoint(kind, write(kind, folder)))
    sizes = {
        "vocab_size": tokenizer.vocab_size + 3,  # padded, as vocabularies are to a multiple of 8
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "initializer_range": 0.2,
        "max_position_embeddings": POSITIONS,
    }
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(0)
        network = AutoModelForMaskedLM.from_config(config(**{**sizes, **settings}))
    network.save_pretrained(folder)
    return folder


def _write_fast(folder: Path, tokenizer: Tokenizer, **settings: Any) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_settings(folder, **settings)


def _write_settings(folder: Path, **settings: Any) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines))


# WordPiece.


def _wordpiece_tokens(*, lowercase: bool = False) -> list[str]:
    ids = word_piece(SENTENCES, lowercase=lowercase).get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _word_piece(folder: Path) -> None:
    _write_fast(folder, word_piece(SENTENCES, lowercase=False))


def _word_piece_uncased(folder: Path) -> None:
    _write_fast(folder, word_piece(SENTENCES, lowercase=True))


def _word_piece_with_added_words(folder: Path) -> None:
    tokenizer = word_piece(SENTENCES, lowercase=True)
    tokenizer.add_tokens([ADDED])
    _write_fast(folder, tokenizer)


def _word_piece_with_holes(folder: Path) -> None:
    """Write a ``vocab.txt`` with a line that occurs twice."""
    tokens = _wordpiece_tokens()
    tokens[1] = tokens[-2]
    _write_lines(folder / "vocab.txt", tokens)
    _write_settings(folder, do_lower_case=False)


def _word_piece_with_holes_and_added_words(folder: Path) -> None:
    tokenizer = json.loads(word_piece(SENTENCES, lowercase=True).to_str())
    vocabulary = tokenizer["model"]["vocab"]
    for token in ("[unused1]", "the"):
        del vocabulary[token]
    vocabulary[ADDED] = max(vocabulary.values()) + 1  # by itself, the library would give it an id that is in use
    reloaded = Tokenizer.from_str(json.dumps(tokenizer))
    reloaded.add_tokens([ADDED])
    _write_fast(folder, reloaded)


def _words_by_characters(folder: Path) -> None:
    """Write a WordPiece without ``##``, like that of Japanese BERTs by characters."""
    tokens = dict.fromkeys([*BERT_SPECIALS, *characters(SENTENCES)])
    tokenizer = Tokenizer(models.WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")]
    )
    tokenizer.decoder = decoders.WordPiece()
    _write_fast(folder, finish(tokenizer, BERT_SPECIALS, "[CLS]", "[SEP]"))


# BPE and Unigram, by the special tokens that they put around a text.


def _around(tokenizer: Tokenizer, template: str) -> Tokenizer:
    """Replace the special tokens around a text; an empty template puts none."""
    around = [(token, tokenizer.token_to_id(token)) for token in dict.fromkeys(template.split()) if token != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(single=template or "$A", special_tokens=around)
    return tokenizer


def _roberta(folder: Path, template: str = "<s> $A </s>") -> None:
    _write_fast(folder, _around(roberta(SENTENCES), template))


def _roberta_with_added_words(folder: Path) -> None:
    tokenizer = roberta(SENTENCES)
    tokenizer.add_tokens([ADDED])
    _write_fast(folder, tokenizer)


def _roberta_with_leading_space(folder: Path) -> None:
    tokenizer = roberta(SENTENCES)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    _write_fast(folder, tokenizer)


def _roberta_files(folder: Path) -> None:
    tokenizer = json.loads(roberta(SENTENCES).to_str())
    vocabulary = tokenizer["model"]["vocab"] | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    _write_lines(folder / "merges.txt", ["#version: 0.2", *(" ".join(merge) for merge in tokenizer["model"]["merges"])])
    _write_settings(folder, tokenizer_class="RobertaTokenizer")


def _modernbert(folder: Path) -> None:
    _write_fast(folder, modernbert(SENTENCES), mask_token="[MASK]")


def _unigram(folder: Path, template: str = "<s> $A </s>") -> None:
    _write_fast(folder, _around(unigram(SENTENCES), template), mask_token="<mask>")


def _unigram_with_prepended_space(folder: Path) -> None:
    """Write a Unigram whose normalizer puts the space before a text, as ALBERT's and Llama's can."""
    tokenizer = unigram(SENTENCES)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = None
    _write_fast(folder, tokenizer)


def _byte_fallback(folder: Path) -> None:
    _write_fast(folder, byte_fallback(SENTENCES))


def _bpe_with_word_ends(folder: Path) -> None:
    """Write a BPE with ``</w>`` after words, like HerBERT's."""
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=specials,
        initial_alphabet=characters(SENTENCES),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([*words(SENTENCES), *characters(SENTENCES)], trainer)
    _write_fast(folder, finish(tokenizer, specials, "<s>", "</s>"))


# Characters, bytes and words.


def _amino_acids(folder: Path) -> None:
    """Write nothing but the class: ESM-C's tokenizer is the same for all checkpoints."""
    _write_settings(folder, tokenizer_class="EsmcTokenizer", mask_token="<mask>")


def _amino_acids_in_python(folder: Path) -> None:
    tokens = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
    _write_lines(folder / "vocab.txt", tokens)
    _write_settings(folder, tokenizer_class="EsmTokenizer")


def _bytes(folder: Path) -> None:
    _write_settings(folder, tokenizer_class="PerceiverTokenizer")


def _characters(folder: Path) -> None:
    """Write a vocabulary of characters that contains the space."""
    tokens = dict.fromkeys([*BERT_SPECIALS, " ", *characters(SENTENCES)])
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    _write_fast(folder, finish(tokenizer, BERT_SPECIALS, "[CLS]", "[SEP]"))


def _words(folder: Path, template: str = "[CLS] $A [SEP]") -> None:
    punctuation = [character for character in characters(SENTENCES) if not character.isalnum()]
    tokens = dict.fromkeys([*BERT_SPECIALS, *words(SENTENCES), *punctuation])
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(BERT_SPECIALS)
    _write_fast(folder, _around(tokenizer, template))


def _words_between_spaces(folder: Path) -> None:
    """Write a vocabulary of words that only spaces separate, so that special tokens can be written as words."""
    tokens = dict.fromkeys([*BERT_SPECIALS, *words(SENTENCES)])
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    _write_fast(folder, finish(tokenizer, BERT_SPECIALS, "[CLS]", "[SEP]"))


# Tokenizers that transformers has only in Python.


def _roc_bert(folder: Path) -> None:
    tokens = _wordpiece_tokens(lowercase=True)
    _write_lines(folder / "vocab.txt", tokens)
    for name, count in (("word_shape", 7), ("word_pronunciation", 5)):
        (folder / f"{name}.json").write_text(json.dumps({token: id % count for id, token in enumerate(tokens)}))
    _write_settings(folder, tokenizer_class="RoCBertTokenizer")


def _tapas(folder: Path) -> None:
    _write_lines(folder / "vocab.txt", [*_wordpiece_tokens(lowercase=True), "[EMPTY]"])
    _write_settings(folder, tokenizer_class="TapasTokenizer")


def _merges(sentences: Sequence[str]) -> list[tuple[str, str]]:
    """Return the merges that spell the words of the sentences, from the left."""
    merges: dict[tuple[str, str], None] = {}
    for word in words(sentences):
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            merges[symbols[0], symbols[1]] = None
            symbols[:2] = [symbols[0] + symbols[1]]
    return list(merges)


def _bpe_symbols(sentences: Sequence[str]) -> list[str]:
    letters = characters(sentences)
    merged = [a + b for a, b in _merges(sentences)]
    return list(dict.fromkeys([*letters, *(f"{letter}</w>" for letter in letters), *merged]))


def _xlm(folder: Path) -> None:
    """Write XLM's files, which are without capitals and accents."""
    _write_moses(folder, [BertNormalizer().normalize_str(sentence) for sentence in SENTENCES], "XLMTokenizer")


def _flaubert(folder: Path) -> None:
    _write_moses(folder, SENTENCES, "FlaubertTokenizer")


def _write_moses(folder: Path, sentences: Sequence[str], tokenizer_class: str) -> None:
    specials = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{number}>" for number in range(10))]
    ids = {token: id for id, token in enumerate([*specials, *_bpe_symbols(sentences)])}
    (folder / "vocab.json").write_text(json.dumps(ids))
    _write_lines(folder / "merges.txt", (f"{a} {b} 1" for a, b in _merges(sentences)))
    _write_settings(folder, tokenizer_class=tokenizer_class)


def _phobert(folder: Path) -> None:
    """Write PhoBERT's files; its ``</w>`` in merges becomes ``@@`` after every other subword in the vocabulary."""
    spelled = [s.removesuffix("</w>") if s.endswith("</w>") else f"{s}@@" for s in _bpe_symbols(SENTENCES)]
    _write_lines(folder / "vocab.txt", (f"{token} 1" for token in dict.fromkeys(spelled)))
    _write_lines(folder / "bpe.codes", (f"{a} {b} 1" for a, b in _merges(SENTENCES)))
    _write_settings(folder, tokenizer_class="PhobertTokenizer")


KINDS: dict[str, Callable[[Path], None]] = {
    "wordpiece": _word_piece,
    "wordpiece-uncased": _word_piece_uncased,
    "wordpiece-added": _word_piece_with_added_words,
    "wordpiece-holes": _word_piece_with_holes,
    "wordpiece-holes-added": _word_piece_with_holes_and_added_words,
    "wordpiece-characters": _words_by_characters,
    "byte-level": _roberta,
    "byte-level-files": _roberta_files,
    "byte-level-added": _roberta_with_added_words,
    "byte-level-leading-space": _roberta_with_leading_space,
    "byte-level-no-specials": partial(_roberta, template=""),
    "byte-level-two-begin": partial(_roberta, template="<s> <s> $A </s>"),
    "byte-level-end-only": partial(_roberta, template="$A </s>"),
    "byte-level-nfc": _modernbert,
    "unigram": _unigram,
    "unigram-no-specials": partial(_unigram, template=""),
    "unigram-end-only": partial(_unigram, template="$A </s>"),
    "unigram-prepended-space": _unigram_with_prepended_space,
    "byte-fallback": _byte_fallback,
    "word-ends": _bpe_with_word_ends,
    "amino-acids": _amino_acids,
    "amino-acids-python": _amino_acids_in_python,
    "bytes": _bytes,
    "characters": _characters,
    "words": _words,
    "words-no-specials": partial(_words, template=""),
    "words-between-spaces": _words_between_spaces,
    "roc-bert": _roc_bert,
    "tapas": _tapas,
    "phobert": _phobert,
}
"""Writers of the files of each kind, which need no package but transformers."""

KINDS_THAT_NEED_MOSES = {"xlm": _xlm, "flaubert": _flaubert}
KINDS |= KINDS_THAT_NEED_MOSES
