"""Words for masks, from the embedded model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import ForwardStep, logits


def texts(model: mlm.MaskedLM, text: str, **options: object) -> list[str]:
    return [word.text for word in mlm.predict(model, text, **options)[0].candidates]  # type: ignore[arg-type]


def test_the_words_that_fit_come_best_first(model: mlm.MaskedLM) -> None:
    words = mlm.predict(model, "She drank a cup of [MASK] with milk and sugar.")[0].candidates
    assert {"coffee", "tea"} <= {word.text for word in words[:5]}
    assert len(words) == 10
    assert [word.probability for word in words] == sorted((word.probability for word in words), reverse=True)
    assert 0 < sum(word.probability for word in words) <= 1


def test_probabilities_are_the_calibrated_ones_over_the_whole_vocabulary(
    model: mlm.MaskedLM, network: PreTrainedModel
) -> None:
    text = "She drank a cup of [MASK] with milk."
    encoding = model.tokenizer.encode(text)
    with torch.inference_mode():
        logits = network(torch.tensor([encoding.ids])).logits[0, encoding.ids.index(103)]
    distribution = (logits / model.temperature).softmax(-1)
    prediction = mlm.predict(model, text, max_subwords=1)[0]
    for word in prediction.candidates:
        id = model.tokenizer.vocabulary.index(word.text)
        assert word.probability == pytest.approx(float(distribution[id]), abs=1e-5)
    assert prediction.entropy == pytest.approx(
        float(torch.distributions.Categorical(distribution).entropy()) / 0.693147, abs=1e-3
    )
    assert prediction.effective_words == pytest.approx(2**prediction.entropy)


def test_only_mask_rows_meet_the_decoder_and_their_logits_are_the_networks(
    model: mlm.MaskedLM, network: PreTrainedModel
) -> None:
    rows = [model.tokenizer.encode(text).ids for text in ("A [MASK] and a longer [MASK] text.", "Short [MASK].")]
    masks = [[at for at, id in enumerate(row) if id == model.tokenizer.mask_id] for row in rows]
    found = logits(model, [ForwardStep([row], [at]) for row, at in zip(rows, masks, strict=True)])
    assert [each.shape for each in found] == [(2, 30522), (1, 30522)]
    for row, at, each in zip(rows, masks, found, strict=True):
        with torch.inference_mode():
            expected = network(torch.tensor([row])).logits[0, at]
        torch.testing.assert_close(each, expected, atol=1e-4, rtol=0)


def test_all_masks_of_a_text_come_from_one_forward(model: mlm.MaskedLM, monkeypatch: pytest.MonkeyPatch) -> None:
    forwards = []
    encoder = type(model.encoder)
    whole = encoder.last_hidden_state
    monkeypatch.setattr(encoder, "last_hidden_state", lambda *args: forwards.append(1) or whole(*args))
    assert len(mlm.predict(model, "The [MASK] of the [MASK] is [MASK] today.", max_subwords=1)) == 3
    assert len(forwards) == 1


def test_a_capital_at_the_start_of_a_sentence(model: mlm.MaskedLM) -> None:
    start, middle = mlm.predict(model, "[MASK] is late again. Where is [MASK] now, he asked.")
    assert all(word.text[0].isupper() for word in start.candidates)
    assert all(word.text.islower() for word in middle.candidates if word.text.isalpha())


def test_words_only(model: mlm.MaskedLM) -> None:
    for text in ("Fort [MASK] in South Carolina", "He said [MASK] and left", "[MASK]", "a [MASK]"):
        for word in mlm.predict(model, text, top_k=500)[0].candidates:
            assert "##" not in word.text
            assert not word.text.startswith("[")
            assert any(character.isalnum() for character in word.text)
            assert word.text == word.text.strip()


def test_a_mask_glued_to_a_word_gets_endings(model: mlm.MaskedLM) -> None:
    assert "ist" in texts(model, "The secession[MASK] forces attacked the fort.", top_k=30)


def test_a_prefix_restricts_exactly_and_is_kept_to_the_letter(model: mlm.MaskedLM) -> None:
    words = texts(model, "The [MASK] walked through the zoo.", prefixes={0: "El"}, top_k=5)
    assert len(words) == 5
    assert all(word.startswith("El") for word in words)
    every = {t for t in model.tokenizer.vocabulary if t.startswith("elep")}
    assert set(texts(model, "The [MASK] walked.", prefixes={0: "elep"}, top_k=100, max_subwords=1)) == every
    assert texts(model, "The [MASK] walked.", prefixes={0: "xqzzy"}) == []
    assert texts(model, "The [MASK] walked.", prefixes={0: "ELEPHA"}, top_k=2)[-1].startswith("ELEPHANT")


def test_a_prefix_finds_words_of_several_pieces(model: mlm.MaskedLM) -> None:
    text = "His lungs were full of blood from the burst [MASK] in them."
    assert not {"capillary", "capillaries"} & set(model.tokenizer.vocabulary)
    assert "capillaries" in texts(model, text, prefixes={0: "cap"})
    assert not {"capillary", "capillaries"} & set(texts(model, text, prefixes={0: "cap"}, max_subwords=1))


def test_a_word_of_several_pieces_that_stands_in_the_passage_comes_back(model: mlm.MaskedLM) -> None:
    text = "Zoologists watched the platypus. They saw how the [MASK] swam."
    assert "platypus" not in model.tokenizer.vocabulary
    assert "platypus" in texts(model, text)


def test_a_surrounding_search_leaves_the_words_of_one_piece_their_order(model: mlm.MaskedLM) -> None:
    text = "The [MASK] walked through the zoo."
    single = texts(model, text, top_k=5, max_subwords=1)
    assert [word for word in texts(model, text, top_k=20) if word in single] == single


def test_a_mask_at_the_end_of_what_was_typed_gets_words_and_no_full_stop(model: mlm.MaskedLM) -> None:
    open_end = mlm.predict(model, "She drank a cup of [MASK]")[0]
    assert {"coffee", "tea"} & {word.text for word in open_end.candidates[:5]}
    assert (
        sum(word.probability for word in open_end.candidates) > 0.2
    )  # a bare open end gives the full stop all but 1 %


def test_a_fill_touches_nothing_but_the_masks(model: mlm.MaskedLM) -> None:
    filled = mlm.fill(model, "Ünï  CODE\t😀 she drank [MASK] and\r\nate [MASK]!  ")
    assert filled.startswith("Ünï  CODE\t😀 she drank ")
    assert " and\r\nate " in filled
    assert filled.endswith("!  ")
    assert MASK not in filled


def test_no_mask_no_prediction(model: mlm.MaskedLM) -> None:
    assert mlm.predict(model, "") == mlm.predict(model, "nothing") == []
    assert mlm.fill(model, "nothing") == "nothing"


def test_top_k_below_one_is_refused(model: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="top_k"):
        mlm.predict(model, MASK, top_k=0)


def test_a_text_longer_than_the_model_reads(model: mlm.MaskedLM) -> None:
    sentence = "The {} barked at the postman and ran back into the house. "
    text = "".join(sentence.format(MASK if i % 40 == 39 else "dog") for i in range(200))
    predictions = mlm.predict(model, text, top_k=3)
    assert [prediction.span for prediction in predictions] == [
        (a, a + 6) for a in range(len(text)) if text.startswith(MASK, a)
    ]
    assert all("dog" in [word.text for word in prediction.candidates] for prediction in predictions)


@given(
    text=st.lists(st.sampled_from([MASK, " ", "word ", "😀", ".", "\n", "\ud800", "x" * 30]), max_size=12).map("".join)
)
@settings(deadline=None, max_examples=50)
def test_every_mask_of_any_text_gets_its_prediction(model_of: Callable[[str], mlm.MaskedLM], text: str) -> None:
    predictions = mlm.predict(model_of("bert-cased"), text, top_k=2)
    assert [text[start:end] for start, end in (p.span for p in predictions)] == [MASK] * text.count(MASK)
