"""The spans of words, and where sentences start."""

from __future__ import annotations

import pytest

from fillmask_ls.words import find_standalone_words, find_typed_prefix, find_words, starts_sentence


def test_words_include_apostrophes_and_combining_marks() -> None:
    text = "don’t move the table. It's 3.5 m e\u0301te\u0301 naïve — ok_1"
    assert [text[start:end] for start, end in find_words(text)] == [
        "don’t", "move", "the", "table", "It's", "3", "5", "m", "e\u0301te\u0301", "naïve", "ok_1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "before", ["", "  ", "- ", "# ", "“", "End. ", "End.) ", 'He left." ', "Really?! ", "Wait… ", "終わり。"]
)
def test_sentence_starts_after_punctuation(before: str) -> None:
    assert starts_sentence(before)


@pytest.mark.parametrize(
    "before", ["The ", "one, ", "e.g. ", "i.e. ", "this: ", "cats vs. ", "(see ", "os.", "see a.b.", "3."]
)
def test_sentence_continues_after_words_and_abbreviations(before: str) -> None:
    assert not starts_sentence(before)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我住在北京。", ["我", "住", "在", "北", "京"]),
        ("東京タワーへ行きました", ["東", "京", "タワー", "へ", "行", "きました"]),
        ("人々 use BERT3模型", ["人", "々", "use", "BERT3", "模", "型"]),
        ("ガ\u3099ギ", ["ガ\u3099ギ"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("ภาษาไทย ง่าย", ["ภาษาไทย", "ง่าย"]),
    ],
)
def test_a_word_of_chinese_is_a_character_and_of_japanese_a_run_of_one_script(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_words(text)] == words


def test_words_between_chinese_characters_stand_alone() -> None:
    text = "我住在北京，見https://example.org/北京。 See 北京."
    assert [text[start:end] for start, end in find_standalone_words(text)] == [
        "我",
        "住",
        "在",
        "北",
        "京",
        "See",
        "北",
        "京",
    ]


def test_text_after_a_mask_in_a_script_without_spaces_was_not_typed() -> None:
    assert find_typed_prefix("我住在[MASK]市") is None
    assert find_typed_prefix("我住在[MASK]be") == ((3, 9), "be")
