"""Run an editor in a terminal of tmux."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from clients.editors import artifacts_folder, skip_or_fail, user_environment, wait_until

KEY_INTERVAL = 0.05
"""Seconds between two keys of a fast typist."""


class Terminal(ABC):
    """An editor with a document, in a terminal.

    Attributes:
        name: the editor's name.
        folder: contains the documents and the saved screens.
        document: the open document.
    """

    OPEN_COMMAND: ClassVar[str]
    """The command that opens a file, without the file's name."""
    AFTER_OPEN_NAME: ClassVar[str]
    """Follows the name of an open file on the screen, but not its name in the command."""
    INSERT_MODE: ClassVar[str]
    """On the screen in Insert mode only."""

    def __init__(self, name: str, command: list[str], home: Path) -> None:
        if not shutil.which("tmux"):
            skip_or_fail(name, "tmux not found")
        self.name = name
        self.folder = home.parent
        self.document = home
        self._numbers = itertools.count()
        self._tmux = ["tmux", "-S", str(home.parent / "tmux"), "-f", "/dev/null"]
        start = [*self._tmux, "new-session", "-d", "-s", name, "-x", "110", "-y", "24", *command]
        subprocess.run(start, env={**user_environment(home), "TERM": "xterm-256color"}, check=True)

    def tmux(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names: ``Enter``, ``C-n``."""
        self.tmux("send-keys", "-t", self.name, *keys)

    def type(self, text: str) -> None:
        """Type a text at the speed of a fast typist."""
        for letter in text:
            self.tmux("send-keys", "-t", self.name, "-l", letter)
            time.sleep(KEY_INTERVAL)

    def leave_insert_mode(self) -> None:
        """Return to Normal mode. Escape is complete before the next key: the two together would be an Alt key."""
        if self.INSERT_MODE in self.screen:
            self.press("Escape")
            wait_until(lambda: self.INSERT_MODE not in self.screen, "Normal mode")

    def command(self, command: str) -> None:
        """Send the keys of a command in Normal mode, all at once."""
        self.leave_insert_mode()
        self.tmux("send-keys", "-t", self.name, "-l", command)

    def open(self, name: str, content: str) -> None:
        """Create a document and open it."""
        self.document = self.folder / f"{next(self._numbers)}-{name}"
        self.document.write_text(content, encoding="utf-8")
        self.command(f"{self.OPEN_COMMAND} {self.document}")
        self.press("Enter")
        self.wait_for_text(self.document.name + self.AFTER_OPEN_NAME)

    @abstractmethod
    def suggestions(self) -> list[str]:
        """Return the words in the completion menu on the screen."""

    def wait_for_suggestions(self) -> list[str]:
        """Return the ten words for a mask once the completion menu shows them."""
        return wait_until(lambda: words if len(words := self.suggestions()) == 10 else [], "ten suggestions")

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.name)

    def wait_for_text(self, text: str) -> None:
        """Wait until the screen contains the text."""
        wait_until(lambda: text in self.screen, f"{text!r} on the screen")

    def save(self) -> str:
        """Save the document and return its text."""
        before = self.document.stat().st_mtime_ns
        self.command(":write")
        self.press("Enter")

        def saved_text() -> str:
            with suppress(FileNotFoundError):  # Helix renames the old file before it writes the new one
                if self.document.stat().st_mtime_ns != before:
                    return self.document.read_text(encoding="utf-8")
            return ""

        return wait_until(saved_text, "the saved file")

    def keep_screen(self, name: str) -> None:
        (artifacts_folder(self.folder) / f"{self.name}-{name}.txt").write_text(self.screen, encoding="utf-8")

    def close(self) -> None:
        self.tmux("kill-server")
