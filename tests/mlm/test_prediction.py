"""Words at masks, mostly from the embedded model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from fillmask_ls import MASK, english, mlm
from fillmask_ls.mlm.forward_steps import Finished, ForwardStep, advance, logits, run_steps
from fillmask_ls.mlm.prediction import predict_steps
from fillmask_ls.mlm.windows import windows
from fillmask_ls.words import find_masks

PASSAGE = (
    "The committee met in the old library on Tuesday and read the letter that the mayor had sent in May . Most of the "
    "members liked the plan for a new bridge over the river , but two of them asked who would pay for the road that leads "
    "to it and how long the work would take . The chair said that the answers were in the report ."
)


def texts(model: mlm.MaskedLM, text: str, **options: object) -> list[str]:
    return [word.text for word in mlm.predict(model, text, **options)[0].candidates]  # type: ignore[arg-type]


def test_candidates_are_sorted_by_probability(model: mlm.MaskedLM) -> None:
    words = mlm.predict(model, "She drank a cup of [MASK] with milk and sugar.")[0].candidates
    assert {"coffee", "tea"} <= {word.text for word in words[:5]}
    assert len(words) == 10
    assert [word.probability for word in words] == sorted((word.probability for word in words), reverse=True)
    assert 0 < sum(word.probability for word in words) <= 1


def test_probabilities_are_calibrated_over_the_whole_vocabulary(model: mlm.MaskedLM, network: PreTrainedModel) -> None:
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


def test_only_masked_positions_reach_the_decoder(model: mlm.MaskedLM, network: PreTrainedModel) -> None:
    rows = [model.tokenizer.encode(text).ids for text in ("A [MASK] and a longer [MASK] text.", "Short [MASK].")]
    positions = [[index for index, id in enumerate(row) if id == model.tokenizer.mask_id] for row in rows]
    steps = [ForwardStep([row], [inside]) for row, inside in zip(rows, positions, strict=True)]
    computed = logits(model, steps)
    assert [step_logits.shape for step_logits in computed] == [(2, 30522), (1, 30522)]
    for row, inside, step_logits in zip(rows, positions, computed, strict=True):
        with torch.inference_mode():
            expected = network(torch.tensor([row])).logits[0, inside]
        torch.testing.assert_close(step_logits, expected, atol=1e-4, rtol=0)


def test_all_masks_of_a_text_share_one_forward_step(model: mlm.MaskedLM) -> None:
    text = "The [MASK] of the [MASK] is [MASK] today."
    [window] = windows(model, text, find_masks(text))
    steps = predict_steps(model, window, top_k=10, max_subwords=1)
    step = advance(steps, None)
    assert isinstance(step, ForwardStep)
    assert step.count == 3
    finished = advance(steps, logits(model, [step])[0])
    assert isinstance(finished, Finished)
    assert len(finished.result) == 3


def computed_tokens(model: mlm.MaskedLM, text: str) -> int:
    """Return the number of tokens in all forward steps of a prediction."""
    steps, tokens = mlm.predict.steps(model, text), 0
    with torch.inference_mode():
        step = advance(steps, None)
        while isinstance(step, ForwardStep):
            tokens += sum(map(len, step.rows))
            step = advance(steps, logits(model, [step])[0])
    return tokens


def test_masks_in_one_text_cost_less_than_each_alone(model: mlm.MaskedLM) -> None:
    words = PASSAGE.split()
    costs = []
    for count in (1, 4, 16):
        chosen = {len(words) * (2 * number + 1) // (2 * count) for number in range(count)}
        masked = [MASK if number in chosen else word for number, word in enumerate(words)]
        costs.append(computed_tokens(model, " ".join(masked)) / count)
    assert max(costs[1:]) < costs[0]


def test_cost_of_a_mask_is_the_same_in_a_text_of_many_masks(roberta: mlm.MaskedLM) -> None:
    few, many = (
        computed_tokens(roberta, f"She drank a cup of {MASK} with milk. " * count) / count for count in (16, 48)
    )
    assert many <= 1.5 * few  # how many words are tried varies; a cost that grows with the text would be three times


def test_cached_window_needs_no_forward_step(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of [MASK] with milk."
    [window] = windows(model, text, find_masks(text))
    cache: dict[Any, Any] = {}
    first = run_steps(model, predict_steps(model, window, top_k=10, cache=cache))
    again = advance(predict_steps(model, window, top_k=10, cache=cache), None)
    assert isinstance(again, Finished)
    assert again.result == first


def test_candidates_at_a_sentences_start_are_capitalized(model: mlm.MaskedLM) -> None:
    start, middle = mlm.predict(model, "[MASK] is late again. Where is [MASK] now, he asked.")
    assert all(word.text[0].isupper() for word in start.candidates)
    assert {"he", "she", "I", "you"} <= {word.text for word in middle.candidates}


def test_names_have_the_capitals_of_the_text_or_of_the_word_list(model: mlm.MaskedLM) -> None:
    [prediction] = mlm.predict(model, "The capital of France is [MASK].")
    assert "Paris" in [word.text for word in prediction.candidates]
    text = "We moved it to Kubernetes last year, and the [MASK] cluster has been stable."
    [prediction] = mlm.predict(model, text, prefixes={0: "kub"})
    assert prediction.candidates[0].text == "Kubernetes"


def test_only_words_are_offered(model: mlm.MaskedLM) -> None:
    texts = ["We moved the service to [MASK] in the cloud.", "The [MASK] cluster restarts its containers."]
    for text in texts:
        for prefix in ("kub", "ambulan", "hospit", "micro"):
            [prediction] = mlm.predict(model, text, prefixes={0: prefix})
            longer = [
                word.text for word in prediction.candidates if len(word.subwords or ()) > 1 and word.text.isascii()
            ]
            assert all(english.is_word(word) for word in longer)


def test_candidates_are_words_without_marks(model: mlm.MaskedLM) -> None:
    for text in ("Fort [MASK] in South Carolina", "He said [MASK] and left", "[MASK]", "a [MASK]"):
        for word in mlm.predict(model, text, top_k=500, max_subwords=2)[0].candidates:
            assert "##" not in word.text
            assert not word.text.startswith("[")
            assert any(character.isalnum() for character in word.text)
            assert word.text == word.text.strip()


def test_mask_right_after_a_word_gets_continuations(model: mlm.MaskedLM) -> None:
    assert "ist" in texts(model, "The secession[MASK] forces attacked the fort.", top_k=30)


def test_candidates_begin_with_the_prefix_as_typed(model: mlm.MaskedLM) -> None:
    words = texts(model, "The [MASK] walked through the zoo.", prefixes={0: "El"}, top_k=5)
    assert len(words) == 5
    assert all(word.startswith("El") for word in words)
    every = {t for t in model.tokenizer.vocabulary if t.startswith("elep")}
    assert set(texts(model, "The [MASK] walked.", prefixes={0: "elep"}, top_k=100, max_subwords=1)) == every
    assert texts(model, "The [MASK] walked.", prefixes={0: "xqzzy"}) == []
    assert texts(model, "The [MASK] walked.", prefixes={0: "ELEPHA"}, top_k=2)[-1].startswith("ELEPHANT")


def test_prefix_finds_words_of_several_subwords(model: mlm.MaskedLM) -> None:
    text = "Bees and butterflies visit the [MASK] in our garden."
    assert "sunflowers" not in model.tokenizer.vocabulary
    assert "sunflowers" in texts(model, text, prefixes={0: "sunf"})
    assert "sunflowers" not in texts(model, text, prefixes={0: "sunf"}, max_subwords=1)


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        (f"It was a {MASK} night.", "cold"),
        (f"The {MASK} was on.", "light"),
        (f"She is very {MASK}.", "intelli"),
        (f"He is {MASK} the machine now.", "stop"),
        (f"Use the {MASK} here, as kubernetes does.", "kuber"),
    ],
)
def test_longer_words_after_a_prefix_are_listed_or_in_the_passage(model: mlm.MaskedLM, text: str, prefix: str) -> None:
    words = mlm.predict(model, text, prefixes={0: prefix})[0].candidates
    assert words
    longer = [word.text for word in words if len(word.subwords) > 1]
    assert all(english.is_listed(word) or word == "kubernetes" for word in longer), longer
    assert prefix != "stop" or "stopping" in [word.text for word in words]
    assert prefix != "kuber" or longer == ["kubernetes"]


def test_word_of_several_subwords_in_the_passage_is_found(model: mlm.MaskedLM) -> None:
    text = "Zoologists watched the platypus. They saw how the [MASK] swam."
    assert "platypus" not in model.tokenizer.vocabulary
    assert "platypus" in texts(model, text)


def test_listed_word_of_two_subwords_is_found(model: mlm.MaskedLM) -> None:
    text = "They grew potatoes, onions, carrots and [MASK] in the garden."
    assert "pumpkins" not in model.tokenizer.vocabulary
    assert "pumpkins" in texts(model, text)


def test_the_first_word_of_a_name_has_a_capital(model: mlm.MaskedLM) -> None:
    assert "New" in texts(model, "She lives in [MASK] York, near the park.")
    assert "new" in texts(model, "We need [MASK] German laws.")


def test_words_of_a_name_have_capitals_beside_the_rest_of_it(model: mlm.MaskedLM) -> None:
    assert texts(model, f"He works for the United {MASK} government.")[0] == "States"
    assert texts(model, f"The {MASK} Court decided the case.")[0] == "Supreme"
    assert "II" in texts(model, f"World War {MASK} ended in 1945.")
    assert "TV" in texts(model, f"I saw it on {MASK} last night.")
    assert "house" in texts(model, f"The white {MASK} on the hill.")


@pytest.mark.parametrize(
    ("text", "best"),
    [
        (f"THE PATIENT WAS TAKEN TO THE {MASK} BY AMBULANCE.", "HOSPITAL"),
        (f"It rained. THE PATIENT WAS TAKEN TO THE {MASK}", "HOSPITAL"),
        (f"THE PATIENT LEFT. The patient was taken to the {MASK}.", "hospital"),
        (f"NASA, BBC: the patient was taken to the {MASK}.", "hospital"),
    ],
)
def test_words_have_capitals_in_a_sentence_in_capitals(model: mlm.MaskedLM, text: str, best: str) -> None:
    found = texts(model, text)
    assert best in found[:3]
    assert all(word.isupper() or word.isdigit() for word in found) == best.isupper()


def test_prefix_in_small_letters_is_kept_in_a_sentence_in_capitals(model: mlm.MaskedLM) -> None:
    text = f"THE PATIENT WAS TAKEN TO THE {MASK} BY AMBULANCE."
    for prefix, word in (("hos", "hospital"), ("HOS", "HOSPITAL"), ("H", "HOSPITAL")):
        assert mlm.predict(model, text, prefixes={0: prefix})[0].candidates[0].text == word


def test_search_keeps_the_order_of_words_of_one_subword(model: mlm.MaskedLM) -> None:
    text = "The [MASK] walked through the zoo."
    single = texts(model, text, top_k=5, max_subwords=1)
    assert [word for word in texts(model, text, top_k=20) if word in single] == single


def test_mask_at_the_end_of_a_text_gets_words_instead_of_a_full_stop(model: mlm.MaskedLM) -> None:
    open_end = mlm.predict(model, "She drank a cup of [MASK]")[0]
    assert {"coffee", "tea"} & {word.text for word in open_end.candidates[:5]}
    assert (
        sum(word.probability for word in open_end.candidates) > 0.2
    )  # a bare open end gives the full stop all but 1 %


def test_fill_changes_only_the_masks(model: mlm.MaskedLM) -> None:
    filled = mlm.fill(model, "Ünï  CODE\t😀 she drank [MASK] and\r\nate [MASK]!  ")
    assert filled.startswith("Ünï  CODE\t😀 she drank ")
    assert " and\r\nate " in filled
    assert filled.endswith("!  ")
    assert MASK not in filled


def test_text_without_masks_has_no_predictions(model: mlm.MaskedLM) -> None:
    assert mlm.predict(model, "") == mlm.predict(model, "nothing") == []
    assert mlm.fill(model, "nothing") == "nothing"


def test_top_k_below_one_is_refused(model: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="top_k"):
        mlm.predict(model, MASK, top_k=0)


def test_text_longer_than_the_limit_is_read_in_windows(short_model: mlm.MaskedLM) -> None:
    text = "".join(f"{animal} barked at the [MASK] and ran away. " for animal in ("The dog", "It", "He", "She") * 2)
    predictions = mlm.predict(short_model, text, top_k=5, max_subwords=1)
    assert [prediction.span for prediction in predictions] == find_masks(text)
    assert all(len(prediction.candidates) == 5 for prediction in predictions)


def test_window_predicts_what_its_text_alone_predicts(model: mlm.MaskedLM) -> None:
    text = "He left. " * 40 + "She drank a cup of [MASK] with milk. " + "He left. " * 40
    [prediction] = mlm.predict(model, text, top_k=5, max_subwords=1)
    assert "tea" in [candidate.text for candidate in prediction.candidates]


@given(
    text=st.lists(st.sampled_from([MASK, " ", "word ", "😀", ".", "\n", "\ud800", "x" * 30]), max_size=12).map("".join)
)
@settings(deadline=None, max_examples=30)
def test_every_mask_of_any_text_has_its_prediction(tiny_bert: mlm.MaskedLM, text: str) -> None:
    predictions = mlm.predict(tiny_bert, text, top_k=2, max_subwords=2)
    assert [text[start:end] for start, end in (p.span for p in predictions)] == [MASK] * text.count(MASK)


@pytest.mark.parametrize("max_subwords", [0, 9, 10**6])
def test_the_number_of_subwords_is_limited(model: mlm.MaskedLM, max_subwords: int) -> None:
    with pytest.raises(ValueError, match=r"max_subwords must be (at least 1|at most 8), not"):
        mlm.predict(model, "A [MASK].", max_subwords=max_subwords)
