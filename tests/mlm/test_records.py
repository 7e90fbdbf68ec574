"""Results as dictionaries, rows and tables."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fillmask_ls import MASK, mlm

TEXTS = [f"A cup of {MASK}.", f"The {MASK} is <b>{MASK}</b>."]


def test_a_dictionary_has_what_is_computed_too(tiny_bert: mlm.MaskedLM) -> None:
    score = mlm.score(tiny_bert, "A text.", spans=[(2, 6)]).to_dict()
    assert score["perplexity"] > 1
    assert score["tokens"][0]["surprisal"] > 0
    assert score["regions"][0]["text"] == "text"
    assert json.loads(json.dumps(score)) == score


def test_predictions_are_a_row_for_each_candidate(tiny_bert: mlm.MaskedLM) -> None:
    rows = mlm.predict(tiny_bert, TEXTS, top_k=2, max_subwords=1).to_records()
    assert [(row["index"], row["mask"], row["rank"]) for row in rows] == [
        (text, mask, rank) for text, mask in [(0, 0), (1, 0), (1, 1)] for rank in (1, 2)
    ]
    assert all(TEXTS[row["index"]][row["start"] : row["end"]] == MASK for row in rows)


def test_scores_are_a_row_for_each_text_or_word(tiny_bert: mlm.MaskedLM) -> None:
    scores = mlm.score(tiny_bert, ["A text.", "Another text."])
    assert [row["text"] for row in scores.to_records()] == ["A text.", "Another text."]
    words = mlm.Results(scores[1].words, index_name="word").to_records()
    assert [(row["word"], row["text"]) for row in words] == [(0, "Another"), (1, "text")]


def test_a_table_needs_pandas_only_when_asked_for(tiny_bert: mlm.MaskedLM) -> None:
    pandas = pytest.importorskip("pandas")
    scores = mlm.score(tiny_bert, pandas.Series(["A text.", "Another text."]))
    assert scores.to_pandas()["perplexity"].tolist() == [score.perplexity for score in scores]


@pytest.mark.process
def test_results_import_neither_torch_nor_pandas() -> None:
    code = "import sys, fillmask_ls.mlm.results, fillmask_ls.mlm.paradigms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_notebook_shows_an_escaped_table(tiny_bert: mlm.MaskedLM) -> None:
    shown = mlm.Results(["<b>"])._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    many = mlm.score(tiny_bert, ["A text."] * 60)._repr_html_()
    assert many.count("<tr>") == 51
    assert "…" in many


def test_reprs_are_short(tiny_bert: mlm.MaskedLM) -> None:
    prediction = mlm.predict(tiny_bert, TEXTS[0], top_k=100, max_subwords=1)[0]
    assert len(repr(prediction)) < 400
    assert repr(mlm.Candidate("tea", 0.123456789)) == "Candidate(text='tea', probability=0.1235, subwords=())"
