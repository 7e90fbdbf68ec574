"""Use Kate on a virtual screen, configured as ``client-config/kate/README.md`` describes.

``install.sh`` doesn't install Kate, because it is large: ``apt-get install kate xdotool xvfb``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from clients.editors import CLIENT_CONFIG, find_program, kill_tree, readme_block, user_environment, wait_until

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

README = CLIENT_CONFIG / "kate" / "README.md"
LINE_1 = "Paris is the [MASK] of France.\n"
LINE_2 = "It is a [MASK] city on the [MASK].\n"
ROW_HEIGHT = 25
"""Height of a row of the menu, in pixels."""
MENU_TIMEOUT = 2
"""Seconds before the key for the menu is pressed again."""


class Kate:
    """A Kate with a document, driven by keys."""

    def __init__(self, document: Path, environment: dict[str, str]) -> None:
        self.document = document
        self._environment = environment

    def xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(command, env=self._environment, stdout=subprocess.PIPE, text=True).stdout

    def press(self, *keys: str) -> None:
        self.xdotool("key", "--delay", "100", *keys)

    def windows(self) -> list[str]:
        """Return the ids of the visible windows, the newest last. An open menu is a window."""
        return self.xdotool("search", "--onlyvisible", "--class", "kate").split()

    def menu_rows(self) -> int:
        """Return the number of rows in the open menu, or 0."""
        _, *menus = self.windows()
        if not menus:
            return 0
        geometry = self.xdotool("getwindowgeometry", "--shell", menus[-1])
        height = re.search(r"^HEIGHT=(\d+)", geometry, re.MULTILINE)
        return round(int(height[1]) / ROW_HEIGHT) if height else 0

    def open_code_actions(self, *position_keys: str) -> None:
        """Press keys that position the cursor, and open the menu of code actions. Repeat until it contains actions."""

        def has_actions() -> bool:
            self.press(*position_keys, "alt+Return")
            with suppress(TimeoutError):
                wait_until(self.menu_rows, "the menu", MENU_TIMEOUT)
            if self.menu_rows() > 1:
                return True
            self.press("Escape")  # the menu says that there are no actions
            return False

        wait_until(has_actions, "the code actions")

    def click_code_action(self, index: int) -> None:
        """Click an action of the open menu. Keys may arrive before the menu accepts them."""
        y = index * ROW_HEIGHT + ROW_HEIGHT // 2
        self.xdotool("mousemove", "--window", self.windows()[-1], "60", str(y), "click", "1")

    def save_until(self, expected: str | None = None, masks: int | None = None) -> str:
        """Save until the file has the expected text or number of masks. Return the text."""

        def saved_text() -> str:
            self.press("ctrl+s")
            text = self.document.read_text(encoding="utf-8")
            return text if text == expected or text.count("[MASK]") == masks else ""

        return wait_until(saved_text, f"the file with {expected or f'{masks} masks'}")


@pytest.fixture
def kate(tmp_path: Path) -> Iterator[Kate]:
    """A new user's Kate with the plugin enabled and the command allowed."""
    path, xvfb, _, dbus = (find_program("kate", name) for name in ("kate", "Xvfb", "xdotool", "dbus-run-session"))
    home, runtime = tmp_path / "home", tmp_path / "run"
    runtime.mkdir(mode=0o700)
    (home / ".config/kate/lspclient").mkdir(parents=True)
    (home / ".config/kate/lspclient/settings.json").write_text(readme_block(README, "{", "json"))
    (home / ".config/katerc").write_text(
        "[Kate Plugins]\nlspclientplugin=true\n"
        f"[lspclient]\nAllowedServerCommandLines={find_program('kate', 'fillmask-ls')}\n"
        "[General]\nShow welcome view for new window=false\n"
    )
    document = home / "letter.md"
    document.write_text(LINE_1 + LINE_2)
    read_end, write_end = os.pipe()
    with ExitStack() as stack:
        screen = [xvfb, "-displayfd", str(write_end), "-screen", "0", "1000x600x24"]
        server = subprocess.Popen(screen, pass_fds=[write_end], stderr=subprocess.DEVNULL)
        stack.callback(lambda: (kill_tree(server.pid), server.wait()))
        os.close(write_end)
        with os.fdopen(read_end) as number:
            display = f":{number.readline().strip()}"
        environment = {**user_environment(home), "DISPLAY": display, "XDG_RUNTIME_DIR": str(runtime)}
        log = stack.enter_context((tmp_path / "log").open("w"))
        start = [dbus, "--", path, "--block", str(document)]
        process = subprocess.Popen(start, env=environment, stdout=log, stderr=log)
        stack.callback(lambda: (kill_tree(process.pid), process.wait()))
        editor = Kate(document, environment)
        wait_until(editor.windows, "Kate's window")
        yield editor


def test_code_actions_fill_masks(kate: Kate) -> None:
    kate.xdotool("mousemove", "400", "300", "click", "1")
    kate.open_code_actions("ctrl+Home", *["Right"] * 15)
    kate.click_code_action(0)
    text = kate.save_until(masks=2)
    assert text.startswith("Paris is the ")
    assert text.endswith(f" of France.\n{LINE_2}")
    kate.press("ctrl+z")
    kate.save_until(LINE_1 + LINE_2)
    kate.open_code_actions("ctrl+End", "Up")
    kate.click_code_action(3)  # the best word for the second mask
    assert kate.save_until(masks=2).startswith(f"{LINE_1}It is a [MASK] city on the ")
