"""Words that are never marked: dictionaries of the user, the workspace and other programs, and ignored words."""

from __future__ import annotations

from pathlib import Path

import pytest

from fillmask_ls.lsp.dictionary import Dictionary


def test_a_word_is_added_once_and_read_again_by_another_server(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    file = dictionary.add("Guitar")
    dictionary.add("guitar")
    assert file == dictionary.user_file()
    assert file.read_text(encoding="utf-8") == "Guitar\n"
    assert "guitar" in Dictionary(tmp_path).words()


def test_a_file_without_a_line_end_gets_one_before_the_new_word(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    dictionary.user_file().parent.mkdir(parents=True)
    dictionary.user_file().write_text("piano", encoding="utf-8")
    dictionary.add("guitar")
    assert dictionary.words() == {"piano", "guitar"}


def test_the_workspace_has_its_own_dictionary(tmp_path: Path) -> None:
    workspace = tmp_path / "work"
    dictionary = Dictionary(tmp_path)
    dictionary.folders = [workspace]
    file = dictionary.add("guitar", to_workspace=True)
    assert file == workspace / ".fillmask" / "dictionary.txt"
    assert "guitar" in dictionary.words()
    assert Dictionary(tmp_path).words() == frozenset()


@pytest.mark.parametrize("name", [".hunspell_en_US", ".config/nvim/spell/en.utf-8.add"])
def test_dictionaries_of_other_programs_are_respected(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("Guitar/S\nfoo\n", encoding="utf-8")
    assert {"guitar", "foo"} <= Dictionary(tmp_path).words()


def test_unreadable_files_are_skipped(tmp_path: Path) -> None:
    (tmp_path / ".hunspell_en_US").mkdir()
    assert Dictionary(tmp_path).words() == frozenset()
