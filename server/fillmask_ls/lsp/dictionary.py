"""Words that diagnostics leave alone: the user's, the workspace's, and those ignored until the server ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lsprotocol import types

_NAME = "dictionary.txt"
_WORKSPACE_FOLDER = ".fillmask"
_MAX_BYTES = 4 << 20
_SPELLCHECKERS = (
    ".hunspell_en_US",
    ".hunspell_default",
    ".aspell.en.pws",
    ".config/nvim/spell/en.utf-8.add",
    ".vim/spell/en.utf-8.add",
)
"""Dictionaries of other programs in the user's home folder, one word a line, that are respected too."""


class Dictionary:
    """The words that are never marked.

    Attributes:
        folders: the folders of the workspace; each may contain a dictionary, ``.fillmask/dictionary.txt``.
        on_change: called when a word was added or a document turned off.
    """

    def __init__(self, home: Path | None = None) -> None:
        """Create a dictionary that has read nothing yet.

        Args:
            home: the user's home folder; by default the real one.
        """
        self.folders: Sequence[Path] = ()
        self.on_change: Callable[[], None] = lambda: None
        self._home = home
        self._ignored: set[str] = set()
        self._turned_off: set[str] = set()
        self._files: dict[Path, tuple[float, frozenset[str]]] = {}

    def ignore(self, word: str) -> None:
        """Leave a word alone until the server ends."""
        self._ignored.add(word.casefold())
        self.on_change()

    def turn_off(self, uri: str) -> None:
        """Mark nothing in a document until the server ends."""
        self._turned_off.add(uri)
        self.on_change()

    def is_off(self, uri: str) -> bool:
        """Return whether a document was turned off."""
        return uri in self._turned_off

    def words(self) -> frozenset[str]:
        """Return all words in lower case; reads files that changed."""
        home = self._home or Path.home()
        files = [self.user_file(), *map(_workspace_file, self.folders), *(home / name for name in _SPELLCHECKERS)]
        return frozenset(self._ignored).union(*map(self._read, files))

    def add(self, word: str, *, to_workspace: bool = False) -> Path:
        """Add a word to the user's dictionary or the workspace's, and return its file.

        Raises:
            OSError: the file cannot be written.
        """
        file = _workspace_file(self.folders[0]) if to_workspace and self.folders else self.user_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        if word.casefold() not in self._read(file):
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            separator = "" if not text or text.endswith("\n") else "\n"
            file.write_text(f"{text}{separator}{word}\n", encoding="utf-8")
        self._files.pop(file, None)
        return file

    def user_file(self) -> Path:
        """Return the file of the user's dictionary."""
        home = self._home or Path.home()
        default = home / ("AppData/Roaming" if sys.platform == "win32" else ".config")
        base = None if self._home else os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME")
        return (Path(base) if base else default) / "fillmask-ls" / _NAME

    def _read(self, file: Path) -> frozenset[str]:
        try:
            status = file.stat()
            if status.st_size > _MAX_BYTES:
                return frozenset()
            if file not in self._files or self._files[file][0] != status.st_mtime:
                text = file.read_text(encoding="utf-8", errors="replace")
                words = frozenset(line.partition("/")[0].strip().casefold() for line in text.splitlines())
                self._files[file] = status.st_mtime, words
            return self._files[file][1]
        except OSError:
            return frozenset()


def _workspace_file(folder: Path) -> Path:
    return folder / _WORKSPACE_FOLDER / _NAME


def workspace_folders(params: types.InitializeParams) -> list[Path]:
    """Return the folders of the client's workspace that are on this machine."""
    uris = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
    return [Path(url2pathname(urlsplit(uri).path)) for uri in uris if uri.startswith("file:")]
