"""Words that are never marked: dictionaries of the user, the workspace and other programs, and ignored words."""

from __future__ import annotations

import sys
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


def test_a_word_that_cannot_be_written_leaves_the_dictionary_as_it_is(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    file = dictionary.add("guitar")
    with pytest.raises(UnicodeEncodeError):
        dictionary.add("\ud800")
    assert file.read_bytes() == b"guitar\n"


def test_adding_a_word_changes_no_byte_before_it(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    dictionary.user_file().parent.mkdir(parents=True)
    dictionary.user_file().write_bytes(b"\xef\xbb\xbfpiano\r\ncaf\xe9\r\n")
    assert "piano" in dictionary.words()
    dictionary.add("guitar")
    assert dictionary.user_file().read_bytes() == b"\xef\xbb\xbfpiano\r\ncaf\xe9\r\nguitar\n"


def test_no_word_is_added_to_a_workspace_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no folder is open"):
        Dictionary(tmp_path).add("guitar", to_workspace=True)


def test_a_dictionary_that_is_too_large_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dictionary = Dictionary(tmp_path)
    file = dictionary.add("guitar")
    file.write_text("piano\n" * 1_000_000)
    assert dictionary.words() == dictionary.words() == frozenset()
    assert [record.message for record in caplog.records] == [
        f"The dictionary {file} is not read: it is larger than 4 MiB."
    ]
    with pytest.raises(OSError, match="larger than 4 MiB"):
        dictionary.add("violin")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_workspace_dictionary_that_is_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    dictionary.folders = [tmp_path / "work"]
    (tmp_path / "work" / ".fillmask").mkdir(parents=True)
    (tmp_path / "work" / ".fillmask" / "dictionary.txt").symlink_to("/dev/zero")
    assert dictionary.words() == frozenset()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("linked", [".fillmask/dictionary.txt", ".fillmask"])
def test_no_word_is_added_through_a_link_out_of_the_workspace(tmp_path: Path, linked: str) -> None:
    dictionary = Dictionary(tmp_path)
    dictionary.folders = [tmp_path / "work"]
    outside = tmp_path / "dictionary.txt"
    outside.write_text("secret\n")
    link = tmp_path / "work" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if link.suffix else tmp_path)
    with pytest.raises(OSError, match="link out of the workspace"):
        dictionary.add("guitar", to_workspace=True)
    assert outside.read_text() == "secret\n"


def test_a_folder_that_can_not_be_is_skipped(tmp_path: Path) -> None:
    dictionary = Dictionary(tmp_path)
    dictionary.folders = [Path("a\0b")]
    assert dictionary.words() == frozenset()


def test_a_user_without_a_home_folder_has_no_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", fail)
    dictionary = Dictionary()
    dictionary.ignore("guitar")
    assert dictionary.words() == {"guitar"}
