"""A checkpoint that is no BERT predicts through its own network."""

from __future__ import annotations

from fillmask_ls import mlm


def test_the_documents_mask_becomes_the_models_own(roberta: mlm.MaskedLM) -> None:
    encoding = roberta.tokenizer.encode("the [MASK] sat <mask> </s>")
    assert encoding.tokens.count("<mask>") == 1
    assert encoding.ids.count(roberta.tokenizer.mask_id) == 1
    assert encoding.tokens[-1] == "</s>"
    assert encoding.tokens.count("</s>") == 1


def test_words_have_no_marks_of_spaces(roberta: mlm.MaskedLM) -> None:
    words = [word.text for word in mlm.predict(roberta, "the cat [MASK] on the mat")[0].words]
    assert words
    assert all(word == word.strip() and "Ġ" not in word for word in words)
    assert "sat" in words


def test_a_long_text_fits_the_positions_that_the_model_has(roberta: mlm.MaskedLM) -> None:
    assert len(mlm.predict(roberta, "the cat sat on the [MASK] " * 100, top_k=1)) == 100
