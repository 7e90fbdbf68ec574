"""Rows contain whole sentences of one document, and no text is lost."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import mlm
from fillmask_ls.mlm.checkpoint import resolve
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from training.documents import TextError, documents
from training.passages import passages
from training.prepare import prepare
from training.rows import Rows, RowsError

pytestmark = pytest.mark.training

TOKENIZER = load_tokenizer(resolve("embedded"))

sentences = st.lists(st.sampled_from(["Ham", "eats", "unbelievably", "e.g.", "3.5", "(sic)"]), min_size=1, max_size=30)
paragraphs = st.lists(sentences.map(lambda words: " ".join(["The", *words]) + "."), min_size=1, max_size=6)


def spelled(rows: Rows) -> list[str]:
    return [TOKENIZER.decode(rows[number].tolist()[1:-1]) for number in range(len(rows))]


@settings(max_examples=50, deadline=None)
@given(st.lists(paragraphs.map(" ".join), min_size=1, max_size=4), st.integers(12, 60), st.floats(0, 1))
def test_passages_contain_the_whole_document_in_order(document: list[str], length: int, short: float) -> None:
    cut = list(passages(document, TOKENIZER, length, short=short, chance=random.Random(1)))
    assert "".join("".join(cut).split()) == "".join("".join(document).split())
    assert all(len(TOKENIZER.encode(passage).ids) <= length for passage in cut)


def test_only_a_sentence_that_is_too_long_is_cut() -> None:
    document = ["One two three four five six. Seven eight nine ten. Eleven."]
    assert list(passages(document, TOKENIZER, 15)) == [
        "One two three four five six. Seven eight nine ten.",
        "Eleven.",
    ]
    long = " ".join(["word"] * 40) + "."
    assert [len(TOKENIZER.encode(passage).ids) for passage in passages([long], TOKENIZER, 16)] == [16, 16, 15]


def test_abbreviations_and_quotes_do_not_end_a_sentence() -> None:
    told = list(passages(['He said "Stop." Then he left at 3.5 p.m. sharp.'], TOKENIZER, 128, short=1.0))
    assert told == ['He said "Stop." Then he left at 3.5 p.m. sharp.']


def test_short_passages_have_one_or_two_sentences() -> None:
    document = ["It rains. " * 200]
    sizes = [passage.count("It") for passage in passages(document, TOKENIZER, 128, short=1.0)]
    assert set(sizes) == {1, 2}
    assert {passage.count("It") for passage in passages(document, TOKENIZER, 128)} > {42}


def test_a_row_has_one_document_and_its_source(tmp_path: Path) -> None:
    (tmp_path / "tea.txt").write_text("Tea is hot.\n\nIt is raining.\n")
    with gzip.open(tmp_path / "novels.txt.gz", "wt") as file:
        file.write("She left.\nHe stayed.\n")
    rows = prepare([tmp_path / "tea.txt", tmp_path / "novels.txt.gz"], TOKENIZER, short=0)
    assert spelled(rows) == ["tea is hot.", "it is raining.", "she left. he stayed."]
    assert [rows.names[source] for source in rows.sources] == ["tea", "tea", "novels"]


def test_special_tokens_in_a_text_are_text(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Say [SEP] or [MASK] here.\n")
    row = prepare([file], TOKENIZER)[0].tolist()
    assert row.count(102) == 1
    assert mlm.load("embedded").tokenizer.mask_id not in row


def test_unfinished_rows_break_off_after_a_word(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("The dog here left early.\n\nOh, no!\n\n" * 100)
    rows = prepare([file], TOKENIZER, unfinished=0.5)
    texts = spelled(rows)
    broken_off = [text for text, cut in zip(texts, rows.unfinished, strict=True) if cut]
    assert set(broken_off) == {"the dog here", "the dog here left", "the dog here left early"}
    assert 30 < len(broken_off) < 70
    assert texts.count("oh, no!") == 100


TREEBANK = """# newdoc id = first
# sent_id = first-1
# newpar id = first-p1
# text = A kettle whistled.
1\tA\ta\tDET
2\tkettle\tkettle\tNOUN

# text = She made tea.
1\tShe\tshe\tPRON

# newpar id = first-p2
# text = It was too hot.

# newdoc id = second
# newpar id = second-p1
# text = Snow fell.
"""


def test_treebank_has_documents_of_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "bank.conllu").write_text(TREEBANK)
    first, second = documents(tmp_path / "bank.conllu")
    assert first == ["A kettle whistled. She made tea.", "It was too hot."]
    assert second == ["Snow fell."]


def test_folder_of_dialogues_is_read_in_order(tmp_path: Path) -> None:
    for number in (2, 1):
        turns = [{"speaker": "USER", "utterance": f"Question {number}?"}, {"utterance": "I don't know."}]
        (tmp_path / f"dialogues_{number}.json").write_text(json.dumps([{"turns": turns}]))
    assert list(documents(tmp_path)) == [["Question 1? I don't know."], ["Question 2? I don't know."]]


def test_saved_rows_are_loaded_unchanged(rows: Rows, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows")
    again = Rows.load(tmp_path / "rows")
    assert (again.tokens == rows.tokens).all()
    assert (again.starts == rows.starts).all()
    assert again.names == rows.names
    assert (again.unfinished == rows.unfinished).all()


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RowsError, match="make them with `prepare`"):
        Rows.load(tmp_path)
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(b"words " * 1000)[:20])
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "numbers.json").write_text("[1, 2]")
    for name in ("cut.txt.gz", "latin.txt", "absent.txt", "numbers.json"):
        with pytest.raises(TextError, match=name):
            list(documents(tmp_path / name))
