"""Words that diagnostics never underline: the user's, the workspace's, and those ignored until the server ends."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lsprotocol import types

logger = logging.getLogger(__name__)

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
"""Dictionaries of other programs in the user's home folder, with one word per line, whose words are not underlined either."""


class Dictionary:
    """The words that are never underlined.

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
        """Never underline a word until the server ends."""
        self._ignored.add(word.casefold())
        self.on_change()

    def turn_off(self, uri: str) -> None:
        """Underline nothing in a document until the server ends."""
        self._turned_off.add(uri)
        self.on_change()

    def is_off(self, uri: str) -> bool:
        """Return whether a document was turned off."""
        return uri in self._turned_off

    def words(self) -> frozenset[str]:
        """Return all words in lower case; reads files that changed."""
        files = [*map(_workspace_file, self.folders)]
        with contextlib.suppress(RuntimeError):  # a user without a home folder
            home = self._home or Path.home()
            files += [self.user_file(), *(home / name for name in _SPELLCHECKERS)]
        return frozenset(self._ignored).union(*map(self._read, files))

    def add(self, word: str, *, to_workspace: bool = False) -> Path:
        """Add a word to a dictionary, and return its file.

        Args:
            word: in any case.
            to_workspace: whether to add it to the dictionary of the workspace's first folder instead of the user's.

        Raises:
            OSError: the file can't be written, is too large to be read, or is a link out of the workspace; or no
                folder is open.
            UnicodeEncodeError: the word contains half of a surrogate pair.
        """
        line = f"{word}\n".encode()
        file = self._file_to_add_to(to_workspace=to_workspace)
        if file.exists() and file.stat().st_size > _MAX_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {_MAX_BYTES >> 20} MiB and not read")
        if word.casefold() not in self._read(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            is_started = file.exists() and file.stat().st_size > 0
            with file.open("ab+") as opened:
                if is_started:
                    opened.seek(-1, os.SEEK_END)
                    line = line if opened.read(1) == b"\n" else b"\n" + line
                opened.write(line)
        self._files.pop(file, None)
        return file

    def _file_to_add_to(self, *, to_workspace: bool) -> Path:
        if not to_workspace:
            return self.user_file()
        if not self.folders:
            raise OSError(errno.ENOENT, "no folder is open")
        folder, file = self.folders[0], _workspace_file(self.folders[0])
        if not file.resolve().is_relative_to(folder.resolve()):  # by such a link, a workspace could change any file
            raise OSError(errno.EPERM, "it is a link out of the workspace")
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
            if not stat.S_ISREG(status.st_mode):  # a device may never end
                return frozenset()
            if file not in self._files or self._files[file][0] != status.st_mtime:
                if status.st_size > _MAX_BYTES:
                    logger.warning("The dictionary %s is not read: it is larger than %d MiB.", file, _MAX_BYTES >> 20)
                    self._files[file] = status.st_mtime, frozenset()
                    return frozenset()
                text = file.read_text(encoding="utf-8-sig", errors="replace")
                words = frozenset(line.partition("/")[0].strip().casefold() for line in text.splitlines())
                self._files[file] = status.st_mtime, words
            return self._files[file][1]
        except (OSError, ValueError):  # ValueError: a name that no file can have
            return frozenset()


def _workspace_file(folder: Path) -> Path:
    return folder / _WORKSPACE_FOLDER / _NAME


def workspace_folders(params: types.InitializeParams) -> list[Path]:
    """Return the folders of the client's workspace, which are all on this machine."""
    return [Path(url2pathname(urlsplit(folder.uri).path)) for folder in params.workspace_folders or ()]
