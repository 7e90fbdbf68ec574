"""Tokenizers of every kind: masks keep their places, offsets are exact, and words fit where they are offered."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_checkpoints
from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.checkpoint import Checkpoint
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from fillmask_ls.mlm.vocabulary import Vocabulary
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks, has_letter
from tiny_tokenizers import ADDED, KINDS, KINDS_THAT_NEED_MOSES, save, write

pytestmark = pytest.mark.models

TokenizerOf = Callable[[str], mlm.Tokenizer]
ModelOf = Callable[[str], mlm.MaskedLM]


def _marks(kind: str) -> list[pytest.MarkDecorator]:
    lacks_moses = kind in KINDS_THAT_NEED_MOSES and find_spec("sacremoses") is None
    return [pytest.mark.skipif(lacks_moses, reason="needs sacremoses")]


NAMES = [pytest.param(kind, marks=_marks(kind)) for kind in KINDS]
WITHOUT_BEGIN = [kind for kind in KINDS if kind.endswith(("no-specials", "end-only"))]
AMINO_ACIDS = [kind for kind in KINDS if kind.startswith("amino-acids")]
LITERALS = ["[SEP]", "[CLS]", "[PAD]", "[UNK]", "<s>", "</s>", "<mask>", "<cls>", "<eos>", "<special1>"]

TEXTS = st.lists(
    st.sampled_from(
        [
            *("a", " ", "playing", "the cat", "MKTLL", "x" * 120, MASK, MASK, "[MASK", "\n", "\t", "\r\n"),
            *("é", "e\u0301", "\u0301", "ﬁ", "½", "…", "“", "ẞ", "İ", "ǰ", "naïve Zoë", "кошка", "हिन्दी", "ภาษาไทย"),
            *("中", "我们喜欢", "は学生", "が", "か\u3099", "한국어", "😀", "👩‍👩‍👧", "🇩🇪", "a️⃣"),
            *("\ud800", "\udfff", "\ufdd0", "\ufffd", "\x00", "\x7f", "\u200b", "\ufeff", "\u00ad", "\u2028", "\u3000"),
            *LITERALS,
        ]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def tokenizer_of(tmp_path_factory: pytest.TempPathFactory) -> TokenizerOf:
    return cache(lambda kind: load_tokenizer(Checkpoint(kind, write(kind, tmp_path_factory.mktemp(kind)))))


@pytest.fixture(scope="module")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> ModelOf:
    import torch

    return cache(lambda kind: mlm.load(str(save(kind, tmp_path_factory.mktemp(kind))), dtype=torch.float32))


@pytest.fixture(scope="module")
def tiny_bert_multilingual(tmp_path_factory: pytest.TempPathFactory) -> mlm.MaskedLM:
    import torch

    return mlm.load(
        str(tiny_checkpoints.save("bert-multilingual-cased", tmp_path_factory.mktemp("bert"))), dtype=torch.float32
    )


@pytest.fixture(scope="module", params=NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizer(kind: str, tokenizer_of: TokenizerOf) -> mlm.Tokenizer:
    return tokenizer_of(kind)


@given(text=TEXTS)
@settings(deadline=None, max_examples=40)
def test_masks_keep_their_places_and_offsets_are_exact(tokenizer: mlm.Tokenizer, text: str) -> None:
    encoding = tokenizer.encode(text)
    content = encoding.content(tokenizer.mask_id)
    assert [encoding.offsets[token] for token in content if encoding.ids[token] == tokenizer.mask_id] == find_masks(
        text
    )
    assert content == list(range(content[0], content[-1] + 1) if content else [])
    assert_in_order([encoding.offsets[token] for token in content], text)
    for token in content:
        assert_spells(tokenizer, encoding.ids[token], text[slice(*encoding.offsets[token])])
    covered = {index for start, end in encoding.offsets for index in range(start, end)}
    assert all(index in covered for index, character in enumerate(text) if unicodedata.category(character)[0] == "L")


def assert_in_order(offsets: Sequence[Span], text: str) -> None:
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    for (start, end), (next_start, next_end) in itertools.pairwise(offsets):
        assert start <= next_start
        assert end <= next_end
        assert end <= next_start + 1  # tokens share only a character that each spells a part of


def assert_spells(tokenizer: mlm.Tokenizer, id: int, text: str) -> None:
    spelled = tokenizer.decode([id])
    if id not in {tokenizer.unknown_id, tokenizer.mask_id} and "\ufffd" not in spelled + text:
        replaced_punctuation = not has_letter(spelled + text)
        assert replaced_punctuation or folded(spelled) in folded(text)


def folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in decomposed if unicodedata.category(character)[0] not in "MZC")


@pytest.mark.parametrize("text", ["the {} sat.", "the cat{}sat.", "{}", "{0}{0}", "the [MASK] sat {} on."])
def test_written_special_tokens_stay_text(tokenizer: mlm.Tokenizer, text: str) -> None:
    around = tokenizer.encode("").ids
    for literal in LITERALS:
        ids = tokenizer.encode(text.format(literal)).ids
        before, after = tokenizer.split_added_tokens(ids)
        assert before + after == around
        inside = ids[len(before) : len(ids) - len(after)]
        assert [id for id in inside if id in tokenizer.special_ids - {tokenizer.unknown_id}] == [
            tokenizer.mask_id
        ] * text.count(MASK), literal


@given(text=TEXTS, max_length=st.integers(10, 20))
@settings(deadline=None, max_examples=20)
def test_windows_cover_the_text_and_fit_the_limit(tokenizer: mlm.Tokenizer, text: str, max_length: int) -> None:
    spans = list(tokenizer.windows(text, max_length))
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(len(tokenizer.encode(text[start:end]).ids) <= max_length for start, end in spans)


# Words.


def offered(tokenizer: mlm.Tokenizer, before: str) -> list[int]:
    vocabulary = Vocabulary(tokenizer)
    fits = vocabulary.fitting_tokens(is_continuation=vocabulary.is_continuation(before))
    return [int(id) for id in fits.nonzero().flatten()]


WORDS_STAND_AFTER = {"words": ["", "the ", "("], "words-no-specials": ["", "("], "words-between-spaces": ["", "the "]}
"""Where a vocabulary of whole words has something to offer."""


@pytest.mark.parametrize(
    ("kind", "before"),
    [
        pytest.param(*name.values, before, marks=name.marks)
        for name in NAMES
        for before in WORDS_STAND_AFTER.get(str(name.values[0]), ["", "the ", "play", "(", "我们", "は", "M"])
    ],
)
def test_every_offered_word_encodes_back(kind: str, before: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(kind)
    ids = offered(tokenizer, before)
    assert ids
    vocabulary = Vocabulary(tokenizer)
    for id in ids:
        text = before + vocabulary.texts[id]
        encoding = tokenizer.encode(text, ())
        own = [token for token, (_, end) in enumerate(encoding.offsets) if end > len(before)]
        assert tokenizer.unknown_id not in [encoding.ids[token] for token in own], text
        spelled = tokenizer.decode([encoding.ids[token] for token in own])
        assert folded(spelled).endswith(folded(vocabulary.texts[id])), text


def test_all_words_of_the_vocabulary_are_offered_somewhere(tokenizer: mlm.Tokenizer) -> None:
    vocabulary = Vocabulary(tokenizer)
    fits = sum(
        vocabulary.fitting_tokens(is_continuation=continues, is_last=last).int()
        for continues in (False, True)
        for last in (False, True)
    )
    for id, (token, text) in enumerate(zip(tokenizer.vocabulary, vocabulary.texts, strict=True)):
        is_word = any(character.isalnum() for character in text) and "\ufffd" not in text
        if is_word and id not in tokenizer.special_ids and not token.startswith(("[unused", "[EMPTY", "<null")):
            assert fits[id], token


@pytest.mark.parametrize(
    ("kind", "before", "word", "expected"),
    [
        *((kind, "", "play", True) for kind in ("wordpiece", "unigram", "byte-level", "word-ends", "words")),
        *((kind, "", "play", True) for kind in WITHOUT_BEGIN if "words" not in kind),
        *((kind, "play", "ing", True) for kind in WITHOUT_BEGIN if "words" not in kind),
        ("byte-level-two-begin", "", "play", True),
        ("byte-level-leading-space", "", "play", True),
        ("unigram-prepended-space", "", "play", True),
        ("unigram-prepended-space", "the ", "play", True),
        ("phobert", "the ", "cat", True),
        ("phobert", "play", "ing", True),
        ("word-ends", "the ", "cat", True),
        ("word-ends", "play", "ing", True),
    ],
)
def test_word_is_offered(kind: str, before: str, word: str, expected: bool, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(kind)
    texts = tokenizer.texts()
    assert (word in [texts[id] for id in offered(tokenizer, before)]) is expected


@pytest.mark.parametrize(
    ("kind", "before", "without_mark"),
    [
        *((kind, "", True) for kind in KINDS if kind.startswith("byte-level") and kind != "byte-level-leading-space"),
        ("byte-level-leading-space", "", False),
        *((kind, "", False) for kind in KINDS if kind.startswith("unigram")),
        *((kind, "play", True) for kind in ("byte-level-no-specials", "byte-level-end-only", "unigram-end-only")),
        *((kind, "play ", False) for kind in ("byte-level-no-specials", "byte-level-end-only", "unigram-end-only")),
        ("wordpiece", "play", True),
        ("wordpiece", "play ", False),
        ("wordpiece", "我", False),
        ("words", "play", False),
        ("words-no-specials", "play", False),
        ("amino-acids", "MKT", False),
        ("roc-bert", "play", True),
        ("phobert", "play", True),
        ("phobert", "", False),
    ],
)
def test_continuation_is_recognized(kind: str, before: str, without_mark: bool, tokenizer_of: TokenizerOf) -> None:
    assert Vocabulary(tokenizer_of(kind)).is_continuation(before) is without_mark


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith("added")])
@pytest.mark.parametrize("before", ["", "the ", "("])
def test_added_word_is_offered(kind: str, before: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(kind)
    assert tokenizer.vocabulary.index(ADDED) in offered(tokenizer, before)
    assert tokenizer.vocabulary.index(ADDED) in tokenizer.encode(f"the {ADDED} cat").ids


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "holes" in kind])
def test_vocabulary_with_holes_has_every_id(kind: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(kind)
    assert tokenizer.vocab_size == max(id for id, token in enumerate(tokenizer.vocabulary) if token) + 1
    last = tokenizer.texts()[-1]
    assert last.strip("\ufdd0")
    encoding = tokenizer.encode(f"{MASK} a{last} {MASK}")
    assert encoding.ids.count(tokenizer.mask_id) == 2
    assert tokenizer.vocabulary[encoding.ids[1]] == tokenizer.mask_token
    assert [tokenizer.vocabulary[id] for id in encoding.ids if id != tokenizer.mask_id] == [
        token for token in encoding.tokens if token != tokenizer.mask_token
    ]


@pytest.mark.parametrize("kind", AMINO_ACIDS)
def test_mask_in_a_protein_gets_amino_acids(kind: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(kind)
    texts = tokenizer.texts()
    assert {texts[id] for id in offered(tokenizer, "MKT")} == set("LAGVSERTIDPKQNFYMHWCXBUZO")
    assert tokenizer.encode("MKT[MASK]LLAGV").tokens[1:-1] == [*"MKT", "<mask>", *"LLAGV"]


def test_text_of_letters_is_read_as_prose_and_a_protein_is_not(tokenizer_of: TokenizerOf) -> None:
    prose = {
        kind: Vocabulary(tokenizer_of(kind)).is_of_prose for kind in ("amino-acids", "words", "characters", "bytes")
    }
    assert prose == {"amino-acids": False, "words": True, "characters": True, "bytes": True}


def test_mask_at_the_end_of_a_protein_is_read_as_is(tmp_path: Path) -> None:
    import torch
    from transformers import EsmcConfig

    model = mlm.load(str(save("amino-acids", tmp_path, EsmcConfig)), dtype=torch.float32)
    row = model.tokenizer.encode("MKT[MASK]").ids
    probabilities = model.logits([row], [[4]])[0].softmax(-1)
    for candidate in mlm.predict(model, "MKT[MASK]")[0].candidates:
        [(_, id)] = candidate.subwords
        assert candidate.probability == pytest.approx(float(probabilities[id]), abs=1e-6)


@pytest.mark.parametrize("kind", ["roc-bert", "tapas"])
def test_tokenizer_is_the_one_of_transformers(kind: str, tmp_path: Path) -> None:
    from transformers import RoCBertTokenizer, TapasTokenizer

    if kind == "tapas":
        pytest.importorskip("pandas")
    theirs = {"roc-bert": RoCBertTokenizer, "tapas": TapasTokenizer}[kind].from_pretrained(write(kind, tmp_path))
    ours = load_tokenizer(Checkpoint(kind, tmp_path))
    for text in ("They were playing in parks.", "Zoë boit du café", "我们喜欢音乐。", "x" * 120, "кошка, e\u0301!"):
        content = ours.encode(text)
        assert [content.ids[token] for token in content.content(ours.mask_id)] == theirs.convert_tokens_to_ids(
            theirs.tokenize(text)
        )


# The library with models of each kind.


@pytest.mark.parametrize("kind", [name for name in NAMES if name.values[0] not in {"amino-acids", "bytes"}])
def test_library_works(kind: str, model_of: ModelOf) -> None:
    model = model_of(kind)
    for text in ("[MASK]", "the [MASK] sat.", "play[MASK] in", "([MASK] wolves)", "私は[MASK][MASK]。", "MKT[MASK]LL"):
        for prediction in mlm.predict(model, text, top_k=20):
            assert prediction.candidates
            assert all(candidate.text == "".join(candidate.text.split()) for candidate in prediction.candidates)
    (cat, *_) = mlm.rank_targets(model, "the [MASK] sat", ["cat", "☃"])
    assert cat.text == "cat" or kind.startswith("amino-acids")
    assert mlm.fill_jointly(model, "the [MASK] sat [MASK].", top_k=2)
    assert [word.text for word in mlm.score(model, "They were playing.").words] == ["They", "were", "playing"]
    assert [word.text for word in mlm.word_surprisals(model, "the cat")] == ["the", "cat"]
    assert mlm.substitutes(model, "the cat sat.", (4, 7))
    assert len(mlm.predict(model, "the cat [MASK] on. 我们 " * 40, top_k=1, max_subwords=2)) == 40


@pytest.mark.parametrize("kind", ["byte-level-no-specials", "words-no-specials"])
@pytest.mark.parametrize("text", ["", " "])
def test_text_without_tokens_has_empty_results(kind: str, text: str, model_of: ModelOf) -> None:
    model = model_of(kind)
    inspection = mlm.inspect(model, text)
    assert (inspection.loss, inspection.masked_loss) == (0, None) or inspection.tokens
    assert mlm.score(model, text).words == ()
    assert mlm.predict(model, text) == []


def test_chinese_word_of_several_characters_is_found(tiny_bert_multilingual: mlm.MaskedLM) -> None:
    words = texts_at(tiny_bert_multilingual, "我们[MASK]音乐。")
    assert "喜欢" in words


def texts_at(model: mlm.MaskedLM, text: str) -> list[str]:
    return [candidate.text for candidate in mlm.predict(model, text)[0].candidates]


def test_roc_bert_reads_shapes_and_sounds(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForMaskedLM, RoCBertConfig, RoCBertTokenizer

    folder = save("roc-bert", tmp_path, RoCBertConfig, shape_vocab_size=10, pronunciation_vocab_size=10)
    model = mlm.load(str(folder), dtype=torch.float32)
    inputs = RoCBertTokenizer.from_pretrained(folder)("the cat [MASK] 我们 [MASK].", return_tensors="pt")
    assert len(set(inputs["input_shape_ids"][0].tolist())) > 3
    network = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        theirs = network(**inputs).logits[0]
    row = model.tokenizer.encode("the cat [MASK] 我们 [MASK].").ids
    torch.testing.assert_close(model.logits([row], [range(len(row))]), theirs, atol=1e-5, rtol=0)
