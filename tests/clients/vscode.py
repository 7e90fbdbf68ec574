"""A window of VS Code in Chromium, driven by keys and by what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psutil

from clients.editors import TIMEOUT, artifacts_folder, wait_until

with suppress(ImportError):
    from playwright.sync_api import Error

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator, Page


class Window:
    """A window of VS Code with the folder ``work`` of the user's home open.

    Attributes:
        home: the user's home.
        folder: the open folder.
        page: the browser's page.
    """

    def __init__(self, browser: Browser, url: str, home: Path, **context: Any) -> None:
        self.home, self.folder = home, home / "work"
        self.folder.mkdir(exist_ok=True)
        self.page: Page = browser.new_context(viewport={"width": 1000, "height": 640}, **context).new_page()
        self.page.set_default_timeout(TIMEOUT * 1000)
        self.page.goto(f"{url}/?{urlencode({'folder': str(self.folder)})}")
        self.page.locator(".monaco-workbench .statusbar").wait_for()

    def close(self) -> None:
        self.page.context.close()

    def close_editors(self) -> None:
        """Close all editors without saving."""
        self.press("Escape", "Escape")
        while before := self.tabs.count():
            self.tabs.first.click()
            self.press("Control+Alt+w")
            wait_until(lambda before=before: self.tabs.count() < before, "an editor is closed")  # type: ignore[misc]

    def open(self, name: str, text: str = "", *, go_to: str = "Control+End") -> Path:
        """Create a file, open it in a text editor and press the key that moves the cursor. Return the file."""
        file = self.open_any(name, text)
        self.editor.wait_for()
        self.editor.click()
        self.press(go_to)
        return file

    def open_any(self, name: str, text: str = "") -> Path:
        """Create a file and open it in any kind of editor. Return the file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        self.choose("Control+p", str(file), file.name)
        self.page.locator(f'.tab.active[data-resource-name="{file.name}"]').wait_for()
        return file

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=30)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def quick_input(self, key: str, text: str) -> None:
        """Open the quick input with its key and fill it. Open it again if a window that is starting closes it."""
        box = self.page.locator(".quick-input-widget input").first

        def is_filled() -> bool:
            self.press_until_visible(key, box)
            with suppress(Error):
                box.fill(text, timeout=5_000)
                return box.input_value(timeout=5_000) == text
            return False

        wait_until(is_filled, f"the input of {key} is filled")

    def choose(self, key: str, text: str, row: str) -> None:
        """Choose a row of the quick input, which its key opens. Begin again if a busy window doesn't show the row."""

        def is_row_visible() -> bool:
            self.quick_input(key, text)
            with suppress(Error):
                self.quick_pick_row(row).wait_for(timeout=10_000)
                return True
            self.press("Escape")
            return False

        wait_until(is_row_visible, f"{row!r} in the list of {key}")
        self.press("Enter")

    def press_until_visible(self, key: str, shown: Locator) -> None:
        """Press a key that shows something. Press it again if a busy window missed it."""
        self._repeat_until_visible(lambda: self.press(key), shown)

    def enter_until_visible(self, box: Locator, text: str, shown: Locator) -> None:
        """Enter a text that shows something. Enter it again if the box replaced it with what it had been loading."""

        def enter() -> None:
            box.fill(text, timeout=5_000)
            self.press("Enter")

        self._repeat_until_visible(enter, shown)

    def _repeat_until_visible(self, act: Callable[[], None], shown: Locator) -> None:
        def is_visible() -> bool:
            with suppress(Error):
                act()
                shown.wait_for(timeout=5_000)
            return shown.is_visible()

        wait_until(is_visible, f"it is visible: {shown}")

    def run(self, command: str) -> None:
        """Run a command of the palette by its title."""
        self.choose("F1", f">{command}", command)

    def input_box(self, title: str) -> Locator:
        """Return the input box with a title, once it is open."""
        box = self.page.locator(".quick-input-widget", has_text=title)
        box.wait_for()
        return box.locator("input[type=text]")

    def quick_pick_row(self, text: str) -> Locator:
        return self.page.locator(".quick-input-list .monaco-list-row", has_text=text).first

    @property
    def tabs(self) -> Locator:
        return self.page.locator(".editor-group-container .tab")

    @property
    def editor(self) -> Locator:
        return self.page.locator(".editor-group-container.active .monaco-editor .view-lines").first

    @property
    def suggest_rows(self) -> Locator:
        return self.page.locator(".suggest-widget.visible .monaco-list-row")

    def suggestions(self, count: int | None = 10) -> list[str]:
        """Return the words and probabilities in the suggestions, as a screen reader reads them, once they are there.

        Args:
            count: of the words; ``None`` for any.
        """
        rows = self.suggest_rows.filter(has_text="%")
        rows.first.wait_for()
        if count is not None:
            wait_until(lambda: rows.count() == count, f"{count} suggestions")
        return rows.evaluate_all("rows => rows.map(row => row.ariaLabel ?? '')")

    @property
    def status_bar_item(self) -> Locator:
        return self.page.locator('.statusbar-item[id="fillmask.fillmask.fillmask.status"]')

    @property
    def notifications(self) -> Locator:
        return self.page.locator(".notification-toast")

    def visible_text(self) -> str:
        """Return the visible lines, with hints and ghost text."""
        lines = self.editor.evaluate(
            "lines => [...lines.querySelectorAll('.view-line')]"
            ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(line => line.textContent)"
        )
        return "\n".join(lines).replace("\xa0", " ")

    def save(self, file: Path, expected: str) -> None:
        """Save until the file contains the expected text."""

        def is_saved() -> bool:
            self.press("Control+s")
            return file.read_bytes().decode() == expected

        wait_until(is_saved, f"{file.name} contains {expected!r}")

    def hover_until_visible(self, text: str, hover: Locator) -> None:
        """Point at the text until the hover is visible; the editor hides one that it shows while it still lays out."""

        def is_visible_after_pointing() -> bool:
            self.page.mouse.move(0, 0)
            self.point_at(text)
            with suppress(Error):
                hover.wait_for(timeout=5_000)
                return True
            return False

        wait_until(is_visible_after_pointing, "the hover")

    def point_at(self, text: str) -> None:
        """Move the mouse to the first occurrence of the text in the editor."""
        x, y = self.editor.evaluate(
            """(lines, text) => {
              const walker = document.createTreeWalker(lines, NodeFilter.SHOW_TEXT);
              for (let node; (node = walker.nextNode());) {
                const start = node.data.indexOf(text);
                if (start < 0) continue;
                const range = document.createRange();
                range.setStart(node, start);
                range.setEnd(node, start + text.length);
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

    def dismiss_notification(self, text: str, button: str | None = None) -> None:
        """Wait for a notification, and press its button or close it."""
        notification = self.notifications.filter(has_text=text)
        notification.wait_for()
        if button:
            notification.get_by_role("button", name=button).click()
        else:
            notification.hover()
            notification.locator(".codicon-notifications-clear").click()
        notification.wait_for(state="detached")

    def webview(self, heading: str) -> Frame:
        """Return the webview with a heading, once it is open."""

        def find() -> Frame | None:
            for frame in self.page.frames:
                with suppress(Error):  # the frame was removed
                    if frame.locator("h1", has_text=heading).is_visible():
                        return frame
            return None

        frame = wait_until(find, f"the webview {heading!r}")
        assert frame is not None
        return frame

    def settings(self) -> dict[str, Any]:
        """Return the settings of the user and of this machine, as the editor wrote them."""
        files = [self.home / "user" / kind / "settings.json" for kind in ("User", "Machine")]
        return {name: value for file in files if file.exists() for name, value in json.loads(file.read_text()).items()}

    @contextmanager
    def user_settings(self, values: Mapping[str, Any], *, scope: str = "User") -> Iterator[None]:
        """Change settings for a while.

        Args:
            scope: ``User`` or ``Machine``.
        """
        file = self.home / "user" / scope / "settings.json"
        before = file.read_text()
        self._write_settings(file, json.dumps({**json.loads(before), **values}))
        try:
            yield
        finally:
            self.close_editors()
            self._write_settings(file, before)

    def _write_settings(self, file: Path, text: str) -> None:
        # Edit the file in the editor, because the editor may not watch it.
        kind = {"User": "User", "Machine": "Remote"}[file.parent.name]
        self.run(f"Preferences: Open {kind} Settings (JSON)")
        self.page.locator('.tab.active[data-resource-name="settings.json"]').wait_for()
        self.editor.click()
        self.press("Control+a", "Delete")
        wait_until(lambda: self.visible_text() == "", "an empty file")
        self.page.keyboard.insert_text(text)
        self.save(file, text)
        self.close_editors()

    def server(self) -> psutil.Process | None:
        """Return the process of this user's language server, if it runs."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_users = process.environ().get("HOME") == str(self.home)
                if is_users and any(word.endswith("fillmask-ls") for word in process.cmdline()):
                    return process
        return None

    def screenshot(self, name: str, folder: Path, clip: tuple[int, int, int, int] | None = None) -> None:
        """Save a screenshot in ``FILLMASK_ARTIFACTS`` or else in the folder.

        Args:
            clip: left, top, width and height of the part to save.
        """
        area = dict(zip(("x", "y", "width", "height"), clip, strict=True)) if clip else None
        self.page.screenshot(path=artifacts_folder(folder) / f"{name}.png", clip=area)  # type: ignore[arg-type]
