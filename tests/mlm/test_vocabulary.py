"""Which tokens are words, and how words of several subwords are spelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fillmask_ls import mlm
from fillmask_ls.mlm.vocabulary import Vocabulary

ModelOf = Callable[[str], mlm.MaskedLM]


def fitting(vocabulary: Vocabulary, is_continuation: bool, **options: object) -> set[str]:
    mask = vocabulary.fitting_tokens(is_continuation=is_continuation, **options)  # type: ignore[arg-type]
    return {vocabulary.texts[id] for id in mask.nonzero().flatten().tolist()}


def test_words_and_continuations_are_told_apart(tiny_bert: mlm.MaskedLM) -> None:
    words, continuations = (
        tiny_bert.vocabulary.fitting_tokens(is_continuation=continues) for continues in (False, True)
    )
    tokens = tiny_bert.tokenizer.vocabulary
    assert words[tokens.index("play")]
    assert continuations[tokens.index("##ing")]
    assert not (words & continuations).any()
    for token in (".", "(", "[MASK]", "[unused1]"):
        assert not (words | continuations)[tokens.index(token)]


@pytest.mark.parametrize(
    ("name", "before", "expected"),
    [
        ("bert-cased", "play", True),
        ("bert-cased", "play ", False),
        ("bert-cased", "(", False),
        pytest.param("bert-multilingual-cased", "我", False, marks=pytest.mark.models),
        ("roberta", "play", True),
        ("roberta", "", True),
        ("xlm-roberta", "", False),
        ("xlm-roberta", "play ", False),
    ],
)
def test_word_is_continued_right_after_it(name: str, before: str, expected: bool, model_of: ModelOf) -> None:
    assert model_of(name).vocabulary.is_continuation(before) is expected


def test_prefix_allows_tokens_that_have_it_or_begin_it(tiny_bert: mlm.MaskedLM) -> None:
    assert fitting(tiny_bert.vocabulary, False, prefix="pl") == {"play"}
    assert fitting(tiny_bert.vocabulary, False, prefix="playi", whole_prefix=False) == {"play", "p"} | {"P"}
    assert fitting(tiny_bert.vocabulary, True, prefix="ca") == {"cat", "café"}  # no continuation: whole words


def test_continuation_is_spelled_by_the_longest_subwords(tiny_bert: mlm.MaskedLM) -> None:
    ids = tiny_bert.vocabulary.continuation_subwords("ings")
    assert [tiny_bert.vocabulary.texts[id].casefold() for id in ids] == ["ing", "s"]
    assert tiny_bert.vocabulary.continuation_subwords("☃") == ()


def test_words_of_several_subwords_are_found_once(tiny_bert: mlm.MaskedLM) -> None:
    ids = tiny_bert.tokenizer.encode("they were playing, playing in parks").ids
    words = tiny_bert.vocabulary.words_of_several_subwords(ids)
    assert [tiny_bert.vocabulary.word(word) for word in words] == ["playing"]


def test_listed_words_have_two_subwords_and_the_prefix(model: mlm.MaskedLM) -> None:
    vocabulary = model.vocabulary
    words = {vocabulary.word(ids) for ids in vocabulary.listed_words().tolist()}
    assert {"cabbages", "cabbage", "photosynthesis"} & words == {"cabbages"}
    assert words.isdisjoint(vocabulary.texts)
    assert {vocabulary.word(ids) for ids in vocabulary.listed_words("cab").tolist()} == {
        word for word in words if word.startswith("cab")
    }


def test_only_english_vocabularies_have_listed_words(tiny_bert: mlm.MaskedLM) -> None:
    assert not tiny_bert.vocabulary.has_listed_words
    assert tiny_bert.vocabulary.listed_words().shape == (0, 2)
