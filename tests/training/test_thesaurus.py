"""The thesaurus, made from the files of WordNet."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from training.__main__ import main
from training.thesaurus import WordNet, write_thesaurus

pytestmark = pytest.mark.training

FILES = {
    "data.verb": """  1 The license is indented.
00000001 38 v 02 walk 0 stroll 0 003 @ 00000002 v 0000 ! 00000003 v 0101 + 00000009 n 0101 01 + 02 00 | go on foot
00000002 38 v 01 go 0 000 00 | change place
00000003 38 v 01 ride 0 001 ! 00000001 v 0101 00 | be carried
""",
    "index.verb": """  1 The license is indented.
go v 1 0 1 1 00000002
ride v 1 1 ! 1 1 00000003
stroll v 1 1 @ 1 0 00000001
walk v 1 2 @ ! 1 1 00000001
""",
    "data.adj": """00000001 00 a 01 hot 0 002 ! 00000002 a 0101 & 00000003 a 0000 | of high temperature
00000002 00 a 01 cold 0 002 ! 00000001 a 0101 & 00000004 a 0000 | of low temperature
00000003 00 s 02 baking 0 red_hot(a) 0 001 & 00000001 a 0000 | very hot
00000004 00 s 01 icy 0 001 & 00000002 a 0000 | very cold
""",
    "index.adj": """baking a 1 1 & 1 0 00000003
cold a 1 2 ! & 1 1 00000002
hot a 1 2 ! & 1 1 00000001
icy a 1 1 & 1 0 00000004
""",
}


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    for name in ("noun", "verb", "adj", "adv"):
        for kind in ("data", "index"):
            (tmp_path / f"{kind}.{name}").write_text(FILES.get(f"{kind}.{name}", ""))
    return tmp_path


def lines(folder: Path, *words: str) -> list[str]:
    out = folder / "thesaurus.txt.gz"
    write_thesaurus(WordNet.read(folder), words, "red_hot".__ne__, out)
    return gzip.decompress(out.read_bytes()).decode().splitlines()


def test_each_form_has_its_related_words_and_antonyms_in_this_form_and_its_other_forms(wordnet: Path) -> None:
    assert lines(wordnet, "walk", "walked", "walking", "table") == [
        "table\t\t\ttabled tables tabling",
        "walk\tgo stroll\tride\twalked walking walks",
        "walked\tgone strolled went\tridden rode\twalk walking walks",
        "walking\tgoing strolling\triding\twalk walked walks",
    ]


def test_antonyms_of_similar_words_are_antonyms(wordnet: Path) -> None:
    assert lines(wordnet, "hot", "icy") == [
        "hot\tbaking\tcold icy\thots hotted hotter hottest hotting",
        "icy\tcold\thot\ticier iciest",
    ]


def test_a_folder_without_wordnet_is_an_error_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thesaurus", str(tmp_path), "--out", str(tmp_path / "out.gz")]) == 1
    assert "can't be read as WordNet 3.0" in capsys.readouterr().err
    (tmp_path / "data.noun").write_text("no numbers here | gloss\n")
    assert main(["thesaurus", str(tmp_path), "--out", str(tmp_path / "out.gz")]) == 1
    assert "can't be read as WordNet 3.0" in capsys.readouterr().err
    assert not (tmp_path / "out.gz").exists()
