"""VS Code as a person has it before them: code-server in a Chromium, driven by keys and by what is to be seen."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import psutil
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

T = TypeVar("T")

EXTENSION = Path(__file__).parents[2] / "client-config/vscode"
PATIENCE = 30
"""Seconds for what takes one on a quiet machine."""

SETTINGS = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.enableExperiments": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.disableAIFeatures": True,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "editor.minimap.enabled": False,
    "editor.hover.delay": 100,
    "files.autoSave": "off",
    "window.commandCenter": False,
}
"""Of a quiet editor; nothing that fillmask has a part in."""


CLOSE = "ctrl+alt+w"
"""Reverts and closes an editor, without a question."""


def node_and_code_server() -> tuple[Path, Path]:
    """Where ``install_vscode.sh`` puts them; without them the test is skipped, or fails where VS Code is required."""
    editors = Path(os.environ.get("FILLMASK_EDITORS") or Path.home() / ".cache/fillmask-ls/editors")
    node = editors / "node/node_modules/.bin/node"
    server = editors / "code-server/node_modules/code-server/out/node/entry.js"
    for needed in (node, server, EXTENSION / "fillmask.vsix"):
        if not needed.exists():
            missing(f"there is no {needed}; run tests/clients/install_vscode.sh")
    return node, server


def missing(why: str) -> None:
    """Skip the test, or fail it where ``FILLMASK_CLIENTS_REQUIRED`` names VS Code."""
    if "vscode" in os.environ.get("FILLMASK_CLIENTS_REQUIRED", ""):
        pytest.fail(f"vscode is required: {why}")
    pytest.skip(why)


def wait(for_: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """The first result that is true."""
    end = time.monotonic() + seconds
    while not (result := for_()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return result


@contextmanager
def code_server(
    home: Path,
    *,
    settings: Mapping[str, Any] = {},
    environment: Mapping[str, str] = {},
    trusting: bool = True,
) -> Iterator[str]:
    """A code-server with the extension; ended afterwards, with all that it started.

    Args:
        home: an empty folder: the user's, with everything that the editor keeps.
        settings: of the user, besides those of a quiet editor.
        environment: variables besides those of now, in which ``PATH`` has the server that is tested.
        trusting: whether every workspace is trusted.

    Yields:
        Its address.
    """
    node, server = node_and_code_server()
    user = home / "user/User"
    user.mkdir(parents=True)
    (user / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
    revert = {"key": CLOSE, "command": "workbench.action.revertAndCloseActiveEditor"}
    (user / "keybindings.json").write_text(json.dumps([revert]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VSCODE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    variables = {**kept, "PATH": path, "HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), **environment}
    # The editor asks a login shell for its variables, and /etc/profile may begin with a PATH of its own.
    (home / ".profile").write_text(f"export PATH={shlex.quote(variables['PATH'])}\n")
    start = [str(node), str(server), "--user-data-dir", str(home / "user"), "--extensions-dir", str(home / "extensions")]
    with (home / "log").open("w") as log:
        install = [*start, "--install-extension", str(EXTENSION / "fillmask.vsix")]
        subprocess.run(install, env=variables, stdout=log, stderr=log, check=True)
        port = _free_port()
        serve = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
        trust = ["--disable-workspace-trust"] if trusting else []
        process = subprocess.Popen([*start, *serve, *trust], env=variables, stdout=log, stderr=log, cwd=home)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: process.poll() is not None or _answers(f"{address}/healthz"), "code-server")
        assert process.poll() is None, (home / "log").read_text()
        yield address
    finally:
        _end(process.pid)
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False


def _end(pid: int) -> None:
    """A process and all that it started: an extension host lingers for hours."""
    process = psutil.Process(pid)
    for one in [*process.children(recursive=True), process]:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue


class Window:
    """A window of VS Code with a folder open."""

    def __init__(self, browser: Browser, address: str, folder: Path, **context: Any) -> None:
        self.folder = folder
        self.page: Page = browser.new_context(viewport={"width": 1000, "height": 640}, **context).new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.goto(f"{address}/?{urlencode({'folder': str(folder)})}")
        self.page.locator(".monaco-workbench .statusbar").wait_for()

    def close(self) -> None:
        self.page.context.close()

    def tidy(self) -> None:
        """Close all that is open."""
        tabs = self.page.locator(".editor-group-container .tab")
        while tabs.count():
            self.press("Escape", "Escape")
            tabs.first.click()
            before = tabs.count()
            self.press("Control+Alt+w")
            wait(lambda before=before: tabs.count() < before, "the closing of an editor")

    def open(self, name: str, text: str = "", *, at: str = "Control+End") -> Path:
        """Make a file, open it and put the cursor to a place; returns the file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        self.page.keyboard.press("Control+p")
        box = self.page.locator(".quick-input-widget input")
        box.fill(str(file))
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=file.name).first
        row.wait_for()
        self.page.keyboard.press("Enter")
        self.page.locator(f'.tab.active[data-resource-name="{file.name}"]').wait_for()
        self.editor.wait_for()
        self.editor.click()
        self.page.keyboard.press(at)
        return file

    @property
    def editor(self) -> Locator:
        return self.page.locator(".editor-group-container.active .monaco-editor .view-lines").first

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=30)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def run(self, command: str) -> None:
        """A command of the palette, by its name."""
        self.page.keyboard.press("F1")
        self.page.locator(".quick-input-widget input").fill(f">{command}")
        self.page.locator(".quick-input-list .monaco-list-row", has_text=command).first.wait_for()
        self.page.keyboard.press("Enter")

    def shown(self) -> str:
        """The lines that are to be seen, with hints and ghost text."""
        lines = self.editor.evaluate(
            "lines => [...lines.querySelectorAll('.view-line')]"
            ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(line => line.textContent)"
        )
        return "\n".join(lines).replace("\xa0", " ")

    def saved(self, file: Path, expected: str) -> None:
        """Save, and see that the file is as expected."""

        def right() -> bool:
            self.page.keyboard.press("Control+s")
            return file.read_bytes().decode() == expected

        try:
            wait(right, "the file", 10)
        except AssertionError:
            assert file.read_bytes().decode() == expected
            raise

    def point_at(self, text: str) -> None:
        """Put the mouse on the first place of the editor where the text is to be seen."""
        box = self.editor.evaluate(
            """(lines, text) => {
              const walker = document.createTreeWalker(lines, NodeFilter.SHOW_TEXT);
              for (let node; (node = walker.nextNode());) {
                const at = node.data.indexOf(text);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + text.length);
                const { x, y, width, height } = range.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
              }
            }""",
            text,
        )
        self.page.mouse.move(box[0] - 5, box[1])
        self.page.mouse.move(*box)

    @property
    def popup(self) -> Locator:
        return self.page.locator(".suggest-widget.visible .monaco-list-row")

    @property
    def status(self) -> Locator:
        return self.page.locator('.statusbar-item[id="fillmask.fillmask.fillmask.status"]')

    @property
    def notifications(self) -> Locator:
        return self.page.locator(".notification-list-item")

    def picture(self, name: str, folder: Path, of: Locator | None = None, around: int = 0) -> None:
        """Keep what is to be seen: in the folder that ``FILLMASK_ARTIFACTS`` names, if it does."""
        kept = Path(os.environ.get("FILLMASK_ARTIFACTS") or folder)
        kept.mkdir(parents=True, exist_ok=True)
        clip = None
        if of is not None and (box := of.bounding_box()):
            clip = {
                "x": max(0, box["x"] - around),
                "y": max(0, box["y"] - around),
                "width": box["width"] + 2 * around,
                "height": box["height"] + 2 * around,
            }
        self.page.screenshot(path=kept / f"{name}.png", **({"clip": clip} if clip else {}))  # type: ignore[arg-type]


def copied(folder: Path, to: Path) -> Path:
    """A copy of a folder."""
    return Path(shutil.copytree(folder, to))
