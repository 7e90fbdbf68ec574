"""A person at a real Kate on a screen that nobody sees, with the settings of ``client-config/kate``'s README.

``install.sh`` leaves Kate out, which is big: ``apt-get install kate xdotool xvfb``.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clients.editors import CLIENTS, commands, end, environment, program, wait

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "kate" / "README.md"
FIRST = "Paris is the [MASK] of France.\n"
SECOND = "It is a [MASK] city on the [MASK].\n"


class Kate:
    """A Kate with a document."""

    def __init__(self, document: Path, variables: dict[str, str]) -> None:
        self.document = document
        self._variables = variables

    def xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._variables, check=True)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.1)

    def saved(self) -> str:
        self.keys("ctrl+s")
        time.sleep(0.5)
        return self.document.read_text(encoding="utf-8")


@pytest.fixture
def kate(tmp_path: Path) -> Iterator[Kate]:
    """That of a new user who has turned the plugin on and let the command run."""
    path, screen, _, bus = (program("kate", name) for name in ("kate", "Xvfb", "xdotool", "dbus-run-session"))
    home, runtime = tmp_path / "home", tmp_path / "run"
    runtime.mkdir(mode=0o700)
    (home / ".config/kate/lspclient").mkdir(parents=True)
    (home / ".config/kate/lspclient/settings.json").write_text(commands(README, "{", "json"))
    (home / ".config/katerc").write_text(
        "[Kate Plugins]\nlspclientplugin=true\n"
        f"[lspclient]\nAllowedServerCommandLines={program('kate', 'fillmask-ls')}\n"
        "[General]\nShow welcome view for new window=false\n"
    )
    document = home / "letter.md"
    document.write_text(FIRST + SECOND)
    reading, writing = os.pipe()
    with ExitStack() as stack:
        show = [screen, "-displayfd", str(writing), "-screen", "0", "1000x600x24"]
        server = subprocess.Popen(show, pass_fds=[writing], stderr=subprocess.DEVNULL)
        stack.callback(lambda: (end(server.pid), server.wait()))
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        variables = {**environment(home), "DISPLAY": display, "XDG_RUNTIME_DIR": str(runtime)}
        log = stack.enter_context((tmp_path / "log").open("w"))
        start = [bus, "--", path, "--block", str(document)]
        editor = subprocess.Popen(start, env=variables, stdout=log, stderr=log)
        stack.callback(lambda: (end(editor.pid), editor.wait()))
        find = ["xdotool", "search", "--onlyvisible", "--class", "kate"]
        wait(lambda: subprocess.run(find, env=variables, stdout=subprocess.DEVNULL).returncode == 0, "Kate")
        time.sleep(2)
        yield Kate(document, variables)


def test_code_actions(kate: Kate) -> None:
    kate.xdotool("mousemove", "400", "300", "click", "1")
    time.sleep(8)  # nothing on the screen says that the server is there
    kate.keys("ctrl+Home", *["Right"] * 15, "alt+Return")
    time.sleep(3)
    kate.keys("Down", "Return")
    wait(lambda: kate.saved().count("[MASK]") == 2, "one mask filled")
    assert kate.saved().startswith("Paris is the ")
    assert kate.saved().endswith(f" of France.\n{SECOND}")
    kate.keys("ctrl+z")
    assert kate.saved() == FIRST + SECOND
    kate.keys("ctrl+End", "Up", "alt+Return")
    time.sleep(3)
    kate.keys(*["Down"] * 3, "Return")  # behind that for both masks and that for the first
    wait(lambda: kate.saved().count("[MASK]") == 2, "the second of two masks in a line filled")
    assert kate.saved().startswith(f"{FIRST}It is a [MASK] city on the ")
