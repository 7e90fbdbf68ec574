"""VS Code as a person has it before them: code-server in a Chromium, driven by keys and by what is to be seen."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psutil

from clients.editors import CLIENTS, PATIENCE, answers, editors_folder, end, free_port, missing, wait

with suppress(ImportError):
    from playwright.sync_api import Error

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator, Page

EXTENSION = CLIENTS / "vscode"
PARIS = "Paris is the capital of [MASK]"

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
    "workbench.editor.useModal": "off",
}
"""Of a quiet editor; nothing that fillmask has a part in."""


CLOSE = "ctrl+alt+w"
"""Reverts and closes an editor, without a question."""


def node_and_code_server() -> tuple[Path, Path]:
    """Where ``install_vscode.sh`` puts them; without them the test is skipped, or fails where VS Code is required."""
    editors = editors_folder()
    node = editors / "node/node_modules/.bin/node"
    server = editors / "code-server/node_modules/code-server/out/node/entry.js"
    for needed in (node, server, EXTENSION / "fillmask.vsix"):
        if not needed.exists():
            missing("vscode", f"there is no {needed}; run tests/clients/install_vscode.sh")
    return node, server


@contextmanager
def code_server(
    home: Path,
    *,
    settings: Mapping[str, Any] = {},
    machine: Mapping[str, Any] = {},
    environment: Mapping[str, str] = {},
    trusting: bool = True,
) -> Iterator[str]:
    """A code-server with the extension; ended afterwards, with all that it started.

    Args:
        home: an empty folder: the user's, with everything that the editor keeps.
        settings: of the user, besides those of a quiet editor.
        machine: of the user, those that hold for this machine: an editor in a browser has them apart.
        environment: variables besides those of now, in which ``PATH`` has the server that is tested.
        trusting: whether every workspace is trusted.

    Yields:
        Its address.
    """
    node, server = node_and_code_server()
    user = home / "user/User"
    user.mkdir(parents=True, exist_ok=True)
    (user / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
    (home / "user/Machine").mkdir(exist_ok=True)
    (home / "user/Machine/settings.json").write_text(json.dumps(machine))
    revert = {"key": CLOSE, "command": "workbench.action.revertAndCloseActiveEditor"}
    (user / "keybindings.json").write_text(json.dumps([revert]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VSCODE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    variables = {**kept, "PATH": path, "HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), **environment}
    # The editor asks a login shell for its variables, and /etc/profile may begin with a PATH of its own.
    (home / ".profile").write_text(f"export PATH={shlex.quote(variables['PATH'])}\n")
    start = [
        str(node),
        str(server),
        "--user-data-dir",
        str(home / "user"),
        "--extensions-dir",
        str(home / "extensions"),
    ]
    with (home / "log").open("w") as log:
        install = [*start, "--install-extension", str(EXTENSION / "fillmask.vsix")]
        subprocess.run(install, env=variables, stdout=log, stderr=log, check=True)
        port = free_port()
        serve = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
        trust = ["--disable-workspace-trust"] if trusting else []
        process = subprocess.Popen([*start, *serve, *trust], env=variables, stdout=log, stderr=log, cwd=home)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: process.poll() is not None or answers(f"{address}/healthz"), "code-server")
        assert process.poll() is None, (home / "log").read_text()
        yield address
    finally:
        end(process.pid)
        process.wait()


class Window:
    """A window of VS Code with the folder ``work`` of a user's home open.

    Attributes:
        home: the user's.
        folder: the one that is open.
        page: the browser's.
    """

    def __init__(self, browser: Browser, address: str, home: Path, **context: Any) -> None:
        self.home, self.folder = home, home / "work"
        self.folder.mkdir(exist_ok=True)
        self.page: Page = browser.new_context(viewport={"width": 1000, "height": 640}, **context).new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.goto(f"{address}/?{urlencode({'folder': str(self.folder)})}")
        self.page.locator(".monaco-workbench .statusbar").wait_for()

    def close(self) -> None:
        self.page.context.close()

    def tidy(self) -> None:
        """Close all that is open."""
        self.press("Escape", "Escape")
        while before := self.tabs.count():
            self.tabs.first.click()
            self.press("Control+Alt+w")
            wait(lambda before=before: self.tabs.count() < before, "the closing of an editor")  # type: ignore[misc]

    def open(self, name: str, text: str = "", *, at: str = "Control+End") -> Path:
        """Make a file, open it and put the cursor to a place; returns the file."""
        file = self.show(name, text)
        self.editor.wait_for()
        self.editor.click()
        self.press(at)
        return file

    def show(self, name: str, text: str = "") -> Path:
        """Make a file and open it, in whatever kind of editor; returns the file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        self.prompt("Control+p", str(file))
        self.choice(file.name).wait_for()
        self.press("Enter")
        self.page.locator(f'.tab.active[data-resource-name="{file.name}"]').wait_for()
        return file

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=30)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def prompt(self, key: str, text: str) -> None:
        """Open the prompt by its key and put a text into it; a busy window can miss a key."""
        box = self.page.locator(".quick-input-widget input").first

        def shown() -> bool:
            self.press(key)
            with suppress(Error):
                box.wait_for(timeout=5000)
            return box.is_visible()

        wait(shown, "the prompt")
        box.fill(text)

    def run(self, command: str) -> None:
        """A command of the palette, by its name."""
        self.prompt("F1", f">{command}")
        self.choice(command).wait_for()
        self.press("Enter")

    def asked(self, question: str) -> Locator:
        """The box on top that asks for a text, by its title."""
        box = self.page.locator(".quick-input-widget", has_text=question)
        box.wait_for()
        return box.locator("input[type=text]")

    def choice(self, text: str) -> Locator:
        """A row of the list on top."""
        return self.page.locator(".quick-input-list .monaco-list-row", has_text=text).first

    @property
    def tabs(self) -> Locator:
        return self.page.locator(".editor-group-container .tab")

    @property
    def editor(self) -> Locator:
        return self.page.locator(".editor-group-container.active .monaco-editor .view-lines").first

    @property
    def popup(self) -> Locator:
        return self.page.locator(".suggest-widget.visible .monaco-list-row")

    def words(self) -> list[str]:
        """What the popup offers, as it is read out: the word and its probability."""
        offered = self.popup.filter(has_text="%")
        offered.first.wait_for()
        wait(lambda: offered.count() == (time.sleep(0.1) or offered.count()), "all rows")  # they come one by one
        return [row.get_attribute("aria-label") or "" for row in offered.all()]

    @property
    def status(self) -> Locator:
        return self.page.locator('.statusbar-item[id="fillmask.fillmask.fillmask.status"]')

    @property
    def notifications(self) -> Locator:
        return self.page.locator(".notification-toast")

    def shown(self) -> str:
        """The lines that are to be seen, with hints and ghost text."""
        lines = self.editor.evaluate(
            "lines => [...lines.querySelectorAll('.view-line')]"
            ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(line => line.textContent)"
        )
        return "\n".join(lines).replace("\xa0", " ")

    def saved(self, file: Path, expected: str) -> None:
        """Save, and see that the file is as expected."""
        end = time.monotonic() + PATIENCE
        while (found := file.read_bytes().decode()) != expected and time.monotonic() < end:
            self.press("Control+s")
            self.page.wait_for_timeout(50)
        assert found == expected

    def point_at(self, text: str) -> None:
        """Put the mouse on the first place of the editor where the text is to be seen."""
        x, y = self.editor.evaluate(
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
        self.page.mouse.move(x - 5, y)
        self.page.mouse.move(x, y)

    def click_at(self, text: str, times: int = 1) -> None:
        self.point_at(text)
        for count in range(1, times + 1):
            self.page.mouse.down(click_count=count)
            self.page.mouse.up(click_count=count)

    def toast(self, text: str, button: str | None = None) -> None:
        """See a notification, and press its button, or close it."""
        one = self.notifications.filter(has_text=text)
        one.wait_for()
        if button:
            one.get_by_role("button", name=button).click()
        else:
            one.hover()
            one.locator(".codicon-notifications-clear").click()
        one.wait_for(state="detached")

    def webview(self, heading: str) -> Frame:
        """The page beside the text, by its heading."""

        def found() -> Frame | None:
            for frame in self.page.frames:
                with suppress(Error):  # one that goes meanwhile
                    if frame.locator("h1", has_text=heading).is_visible():
                        return frame
            return None

        frame = wait(found, f"the page {heading!r}")
        assert frame is not None
        return frame

    def settings(self) -> dict[str, Any]:
        """What is set, of the user and of this machine, as the editor wrote it."""
        files = [self.home / "user" / kind / "settings.json" for kind in ("User", "Machine")]
        return {name: value for file in files if file.exists() for name, value in json.loads(file.read_text()).items()}

    @contextmanager
    def user_settings(self, values: Mapping[str, Any], *, of: str = "User") -> Iterator[None]:
        """Other settings for a while.

        Args:
            of: whether those of the ``User`` or of the ``Machine``.
        """
        file = self.home / "user" / of / "settings.json"
        before = file.read_text()
        self._write_settings(file, json.dumps({**json.loads(before), **values}))
        try:
            yield
        finally:
            self.tidy()
            self._write_settings(file, before)

    def _write_settings(self, file: Path, text: str) -> None:
        # In the editor: it needn't watch its files.
        kind = {"User": "User", "Machine": "Remote"}[file.parent.name]
        self.run(f"Preferences: Open {kind} Settings (JSON)")
        self.page.locator('.tab.active[data-resource-name="settings.json"]').wait_for()
        self.editor.click()
        self.press("Control+a", "Delete")
        wait(lambda: self.shown() == "", "an empty file")
        self.page.keyboard.insert_text(text)
        self.saved(file, text)
        self.tidy()

    def server(self) -> psutil.Process | None:
        """The language server of this user."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get("HOME") == str(self.home)
                if ours and any(word.endswith("fillmask-ls") for word in process.cmdline()):
                    return process
        return None

    def picture(self, name: str, folder: Path, clip: tuple[int, int, int, int] | None = None) -> None:
        """Keep what is to be seen, or a part of it: in the folder that ``FILLMASK_ARTIFACTS`` names, if it does.

        Args:
            clip: left, top, width, height.
        """
        kept = Path(os.environ.get("FILLMASK_ARTIFACTS") or folder)
        kept.mkdir(parents=True, exist_ok=True)
        part = dict(zip(("x", "y", "width", "height"), clip, strict=True)) if clip else None
        self.page.screenshot(path=kept / f"{name}.png", clip=part)  # type: ignore[arg-type]
