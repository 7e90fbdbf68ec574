"""Probes: texts of other kinds, repeated words, and questions with known answers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from fillmask_ls import MASK, mlm
from training.documents import documents
from training.evaluate import evaluate, table
from training.figures import MaskedText
from training.probes import comments, is_repetition, probe, single_sentences, unfinished_texts
from training.questions import Question, answer, everyday_questions, facts, minimal_pairs, share_right

pytestmark = pytest.mark.training


def masked_words(text: MaskedText) -> list[str]:
    return [token for token, masked in zip(text.encoding.tokens, text.chosen.tolist(), strict=True) if masked]


def test_single_sentence_is_masked_at_one_whole_word(model: mlm.MaskedLM, text: Path) -> None:
    alone = list(single_sentences(list(documents(text)), model.tokenizer))
    assert len(alone) == 8  # "Water boils in it." is too short
    assert all(len(masked_words(sentence)) == 1 for sentence in alone)
    assert all(masked_words(sentence)[0].isalpha() for sentence in alone)
    assert {sentence.encoding.tokens[-2] for sentence in alone} == {"."}


def test_unfinished_text_is_masked_at_its_end(model: mlm.MaskedLM, text: Path) -> None:
    starts = list(unfinished_texts(list(documents(text)), model.tokenizer))
    assert 1 <= len(starts) <= 2
    for start in starts:
        assert start.text.endswith(f" {MASK}")
        assert start.text.replace(MASK, start.right[0]) in text.read_text().replace("\n", " ")


def test_comments_are_sentences_of_docstrings(model: mlm.MaskedLM) -> None:
    first = list(islice(comments(model.tokenizer), 20))
    assert all(8 <= len(comment.encoding.ids) < 200 for comment in first)
    assert sum(len(masked_words(comment)) for comment in first) > 10


@pytest.mark.parametrize(
    ("first", "repeats"), [("hot", True), ("Hot", True), ("cold", False), ("the", False), (".", False), ("of", False)]
)
def test_repetition_is_a_content_word_of_the_sentence(model: mlm.MaskedLM, first: str, repeats: bool) -> None:
    encoding = model.tokenizer.encode("The opposite of hot is cold.", masks=())
    chosen = torch.tensor([token == "cold" for token in encoding.tokens])
    [id] = model.tokenizer.encode(first, masks=()).ids[1:-1]
    assert is_repetition(MaskedText(encoding, chosen), id, model.tokenizer) is repeats


def test_masked_word_itself_is_no_repetition(model: mlm.MaskedLM) -> None:
    encoding = model.tokenizer.encode("The opposite of hot is cold.", masks=())
    chosen = torch.tensor([token == "hot" for token in encoding.tokens])
    assert not is_repetition(MaskedText(encoding, chosen), encoding.ids[encoding.tokens.index("hot")], model.tokenizer)


def test_every_question_has_one_mask_and_answers_of_one_subword(model: mlm.MaskedLM) -> None:
    assert len(everyday_questions()) == 20
    assert len(facts()) > 100
    assert len(minimal_pairs()) > 100
    for question in [*everyday_questions(), *facts(), *minimal_pairs()]:
        assert question.text.count(MASK) == 1
        words = [*question.right, *filter(None, [question.wrong])]
        assert len(set(words)) == len(words) > 0
        assert all(len(model.tokenizer.encode(word).ids) == 3 for word in words), question


def test_answers_are_those_of_predict_and_rank_targets(model: mlm.MaskedLM) -> None:
    text = "The patient was taken to the [MASK] by ambulance."
    right = [Question(text, ("HOSPITAL",)), Question(text, ("hospital",), "zebra")]
    wrong = [Question(text, ("zebra",)), Question(text, ("zebra",), "hospital")]
    assert [answer(model, question) for question in [*right, *wrong]] == ["HOSPITAL", *["hospital"] * 3]
    assert share_right(model, [*right, *wrong]) == 0.5


def test_probes_of_any_model_are_shares(roberta: mlm.MaskedLM, text: Path) -> None:
    probes = probe(roberta, list(documents(text)), 4)
    assert probes.single_sentences.masks == 4
    for share in (probes.repeated, probes.repeated_right, probes.facts, probes.minimal_pairs, probes.comments.top_1):
        assert 0 <= share <= 1
    assert 0 <= probes.everyday <= 20


def test_evaluation_shows_the_probes(model: mlm.MaskedLM, text: Path) -> None:
    evaluation = evaluate(model, text, probe_texts=3)
    assert evaluation.probes is not None
    assert evaluation.probes.everyday >= 5
    assert evaluation.probes.minimal_pairs > 0.6
    lines = {line[0]: line[1:] for line in table([evaluation, evaluation])}
    assert lines["20 everyday sentences: expected word first"] == [str(evaluation.probes.everyday)] * 2
    assert "facts: right at top-1" in lines
