"""A text is masked at random, and predictions are compared with the original tokens."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
import torch

import notebook
from fillmask_ls import mlm


def test_inspection_is_the_notebooks_steps(model: mlm.MaskedLM) -> None:
    inspection = mlm.inspect(model, notebook.PARAGRAPH, seed=7)
    assert [token.id for token in inspection.tokens] == notebook.IDS
    masked = [index for index, token in enumerate(inspection.tokens) if token.masked]
    encoding = model.tokenizer.encode(notebook.PARAGRAPH)
    mask = mlm.sample_mask(encoding, generator=mlm.seeded_generator(7, notebook.PARAGRAPH))
    assert masked == mask.nonzero().flatten().tolist()
    input_ids, labels = mlm.mask_all(torch.tensor([notebook.IDS]), mask[None], notebook.MASK_ID)
    output = mlm.forward(model, input_ids)
    loss = mlm.cross_entropy(output.logits, labels)
    assert inspection.loss == pytest.approx(float(loss), abs=1e-5)
    assert inspection.perplexity == pytest.approx(mlm.perplexity(loss), rel=1e-4)
    norms = [float(state[0].norm(dim=-1).mean()) for state in output.hidden_states]
    assert inspection.hidden_norms == pytest.approx(norms, rel=1e-4)
    assert (inspection.layers, inspection.hidden_size) == (len(norms) - 1, output.hidden_states[-1].shape[-1])


def test_candidates_and_ranks_are_those_of_the_logits(model: mlm.MaskedLM) -> None:
    inspection = mlm.inspect(model, notebook.PARAGRAPH, seed=7, top_k=3)
    masked = torch.tensor([token.masked for token in inspection.tokens])
    input_ids = torch.tensor([notebook.IDS]).masked_fill(masked, notebook.MASK_ID)
    probabilities = model.probabilities(mlm.forward(model, input_ids).logits[0])
    for token, row in zip(inspection.tokens, probabilities, strict=True):
        assert token.rank == int((row > row[token.id]).sum()) + 1
        assert token.surprisal == pytest.approx(-float(row[token.id].log2()), abs=1e-3)
        if not token.masked:
            assert token.predictions == ()
            continue
        best = row.topk(3)
        tokens = [model.tokenizer.vocabulary[id] for id in best.indices.tolist()]
        assert [candidate.token for candidate in token.predictions] == tokens
        found = [candidate.probability for candidate in token.predictions]
        assert found == pytest.approx(best.values.tolist(), rel=1e-4)
        assert token.predicted == tokens[0]


def test_rank_agrees_with_the_candidates_among_equals(model: mlm.MaskedLM) -> None:
    equal = dataclasses.replace(model, temperature=1e6)  # makes many tokens equally probable in float32
    inspection = mlm.inspect(equal, "The quick brown fox jumps over the lazy dog. " * 4, rate=0.5, seed=1)
    masked = [token for token in inspection.tokens if token.masked]
    assert len(masked) > 10
    probabilities = [candidate.probability for token in masked for candidate in token.predictions]
    assert len(set(probabilities)) < len(probabilities) / 2
    for token in masked:
        candidates = [candidate.token for candidate in token.predictions]
        assert token.rank is not None
        assert token.rank > 5 if token.token not in candidates else candidates[token.rank - 1] == token.token


def test_text_longer_than_the_limit_is_inspected_whole(short_model: mlm.MaskedLM) -> None:
    inspection = mlm.inspect(short_model, f"{notebook.PARAGRAPH} {notebook.PARAGRAPH}", seed=1)
    content = [token for token in inspection.tokens if token.span != (0, 0)]
    assert [token.id for token in content] == notebook.IDS[1:-1] * 2
    assert all(a.span[1] <= b.span[0] for a, b in itertools.pairwise(content))
    assert inspection.masked_loss is not None
    assert inspection.masked_loss > inspection.loss > 0


def test_hidden_norms_of_windows_are_averaged(model: mlm.MaskedLM, short_model: mlm.MaskedLM) -> None:
    whole, in_windows = (mlm.inspect(each, notebook.PARAGRAPH, rate=0) for each in (model, short_model))
    assert in_windows.hidden_norms == pytest.approx(whole.hidden_norms, rel=0.2)
    assert len(in_windows.hidden_norms) == len(whole.hidden_norms)


def test_mask_in_a_text_has_no_original_and_no_loss(model: mlm.MaskedLM) -> None:
    inspection = mlm.inspect(model, "The [MASK] is blue.", rate=0)
    mask = inspection.tokens[2]
    assert (mask.masked, mask.probability) == (True, None)
    assert inspection.loss < 5


def test_empty_text_is_inspected(tiny_bert: mlm.MaskedLM) -> None:
    assert [token.token for token in mlm.inspect(tiny_bert, "").tokens] == ["[CLS]", "[SEP]"]


def test_top_k_below_one_is_refused(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="top_k"):
        mlm.inspect(tiny_bert, "x", top_k=0)


def test_inspection_is_plain_data(tiny_bert: mlm.MaskedLM) -> None:
    assert json.loads(json.dumps(dataclasses.asdict(mlm.inspect(tiny_bert, "A text."))))["model"] == tiny_bert.name
