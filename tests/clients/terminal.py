"""An editor in a terminal of its own, without a screen."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from clients.editors import artefact, environment, missing, wait


class Terminal(ABC):
    """An editor in a tmux, with a document.

    Attributes:
        name: the editor's.
        folder: for documents, and what the editor showed.
        document: the one that is open.
    """

    OPEN: ClassVar[str]
    """The command that opens a file, without its name."""
    OPENED: ClassVar[str]
    """What stands behind the file's name when it is open, but not where it is typed."""

    def __init__(self, name: str, command: list[str], home: Path) -> None:
        if not shutil.which("tmux"):
            missing(name, "there is no tmux")
        self.name = name
        self.folder = home.parent
        self.document = home
        self.numbers = itertools.count()
        self._tmux = ["tmux", "-L", f"fillmask-{home.parent.name}", "-f", "/dev/null"]
        start = [*self._tmux, "new-session", "-d", "-s", name, "-x", "110", "-y", "24", *command]
        subprocess.run(start, env={**environment(home), "TERM": "xterm-256color"}, check=True)

    def tmux(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout

    def keys(self, *keys: str) -> None:
        """Keys by their names: ``Enter``, ``C-n``."""
        self.tmux("send-keys", "-t", self.name, *keys)

    def type(self, text: str) -> None:
        """One key at a time, as a fast typist."""
        for letter in text:
            self.tmux("send-keys", "-t", self.name, "-l", letter)
            time.sleep(0.05)

    def command(self, command: str) -> None:
        self.keys("Escape")
        time.sleep(0.3)  # or it is taken for Alt with the next key
        self.type(command)

    def open(self, name: str, content: str) -> None:
        """Make a document and open it."""
        self.document = self.folder / f"{next(self.numbers)}-{name}"
        self.document.write_text(content, encoding="utf-8")
        self.command(f"{self.OPEN} {self.document}")
        self.keys("Enter")
        self.shows(self.document.name + self.OPENED)

    @abstractmethod
    def words(self) -> list[str]:
        """Those of the list on the screen."""

    def popup(self) -> list[str]:
        """The ten words for a mask, when the list shows them."""
        return wait(lambda: found if len(found := self.words()) == 10 else [], "the list")

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.name)

    def shows(self, text: str) -> str:
        wait(lambda: text in self.screen, f"“{text}” on the screen")
        return self.screen

    def saved(self) -> str:
        """The document in the file, after ``:write``."""
        before = self.document.stat().st_mtime_ns
        self.command(":write")
        self.keys("Enter")

        def written() -> str:
            with suppress(FileNotFoundError):  # Helix puts the old one away before it writes
                if self.document.stat().st_mtime_ns != before:
                    return self.document.read_text(encoding="utf-8")
            return ""

        return wait(written, "the file")

    def keep(self, name: str) -> None:
        artefact(f"{self.name}-{name}.txt", self.folder, self.screen)

    def close(self) -> None:
        self.tmux("kill-server")
