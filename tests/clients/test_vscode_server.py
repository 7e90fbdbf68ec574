"""The server behind the VS Code extension: models, settings, restarts, installation, trust, a shared engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.code_server import code_server
from clients.editors import PARIS, ROOT, wait_until
from clients.vscode import Window
from fillmask_ls import __version__
from fillmask_ls.mlm.checkpoint import EMBEDDED
from wire import SERVER

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from shared_engine import SharedEngine

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

NO_TRUST_PROMPT = {"security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never"}
"""Settings that leave a workspace untrusted without a prompt."""

IS_OFFER_STORED = """async () => {
  const result = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const database = await result(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const values = await result(database.transaction(store).objectStore(store).getAll());
      if (values.some(value => String(value).includes('serverOffered'))) return true;
    }
    database.close();
  }
  return false;
}"""
"""Whether VS Code has written the extension's global state to the browser's storage, which it does every few seconds."""


def test_status_bar_shows_the_model_and_a_menu(window: Window, screenshots: Path) -> None:
    window.open("status.txt", "The [MASK] is blue.\n")
    assert (window.status_bar_item.text_content() or "").strip() == "built-in"
    window.status_bar_item.click()
    window.quick_pick_row(f"fillmask-ls {__version__}").wait_for()
    window.screenshot("menu", screenshots, (200, 0, 600, 310))
    window.quick_pick_row("Fill all blanks").click()
    wait_until(lambda: "[MASK]" not in window.visible_text(), "the word")


def test_selected_model_is_saved_to_the_settings(window: Window) -> None:
    window.open("model.txt")
    window.run("fillmask: Choose Model…")
    window.quick_pick_row("embedded").click()
    window.dismiss_notification("Using the small built-in model", button="Save to Settings")
    wait_until(lambda: window.settings().get("fillmask.model") == "embedded", "the setting")


def test_hub_id_is_validated_before_the_download(window: Window) -> None:
    window.open("download.txt")
    window.run("fillmask: Download Model…")
    box = window.input_box("Download a model from the Hugging Face hub")
    assert box.input_value() == "google-bert/bert-base-uncased"
    box.fill("two words")
    window.page.locator(".quick-input-message", has_text="Enter one such as google-bert/bert-base-uncased").wait_for()
    window.press("Escape")


def test_changed_settings_apply_at_once(window: Window) -> None:
    with window.user_settings({"fillmask.completion.topK": 3, "fillmask.trace.server": "messages"}):
        window.open("settings.txt")
        window.type(PARIS)
        window.suggestions(3)


def test_killed_server_is_restarted(window: Window) -> None:
    window.open("killed.txt")
    server = window.server()
    server.kill()
    window.type(PARIS)  # the suggestions open once the model is loaded
    window.suggestions()
    assert window.server() not in (None, server)


def test_restart_command_starts_another_server(window: Window) -> None:
    window.open("restart.txt")
    server = window.server()
    window.run("fillmask: Restart Server")
    wait_until(lambda: window.server() not in (None, server), "another server")
    window.type(PARIS)
    window.suggestions()


def test_walkthrough_has_three_steps_and_an_example_document(window: Window, screenshots: Path) -> None:
    window.run("fillmask: Open Walkthrough")
    steps = window.page.locator(".getting-started-step")
    steps.nth(2).wait_for()
    assert steps.count() == 3
    # The first step is complete because the server runs.
    steps.first.locator(".complete").wait_for()
    assert steps.nth(1).locator(".complete").count() == 0
    window.screenshot("walkthrough", screenshots)
    steps.nth(1).click()
    window.page.locator(".getting-started-step button, .getting-started-step .monaco-button", has_text="Try it").click()
    window.suggestions(None)
    assert window.page.locator(".tab.active").get_attribute("data-resource-name", timeout=1000) != ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of the server."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
    return folder


def test_missing_server_is_offered_once_installed_on_demand_and_updated_from_a_wheel(
    browser: Browser, wheel: Path, tmp_path: Path, screenshots: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheel),
        # Install only the server: its requirements are on the PYTHONPATH.
        "PIP_NO_DEPS": "1",
        "PIP_IGNORE_INSTALLED": "1",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    with code_server(tmp_path / "home", environment=environment) as url:
        window = Window(browser, url, tmp_path / "home")
        file = window.open("missing.txt")
        window.dismiss_notification("fillmask-ls is not installed, or not on the PATH of this editor.")
        window.type("It goes [on]")
        window.save(file, "It goes [on]")
        wait_until(lambda: window.page.evaluate(IS_OFFER_STORED), "the offer is stored")

        window.page.reload()
        window.open("again.txt")  # the editor may have been reloaded before it stored which documents are open
        window.status_bar_item.locator(".codicon-warning").wait_for()
        window.status_bar_item.click()
        # The extension answers in order: a second offer would be visible before the menu.
        window.quick_pick_row("Install the server").wait_for()
        assert window.notifications.filter(has_text="fillmask").count() == 0
        window.quick_pick_row("Install the server").click()
        window.quick_pick_row("From PyPI").click()
        dialog = window.page.locator(".monaco-dialog-box")
        dialog.wait_for()
        text = dialog.text_content() or ""
        assert "python3 -I -m venv --clear" in text
        assert '-m pip install --no-input "fillmask-ls>=0.1,<0.2"' in text
        window.screenshot("install", screenshots)
        dialog.get_by_role("button", name="Install").click()
        window.status_bar_item.filter(has_text="built-in").wait_for(timeout=90_000)
        window.open("installed.txt")
        window.type(PARIS)
        window.suggestions()
        window.press("Escape")

        window.status_bar_item.click()
        window.quick_pick_row("Update the server").click()
        window.quick_pick_row("From a wheel").click()
        [packed] = wheel.iterdir()
        path = window.page.locator(".quick-input-box input")
        # The dialog begins with a folder of its own, and may show it again.
        wait_until(lambda: path.input_value().startswith("/"), "the dialog's folder")
        window.enter_until_visible(path, str(packed), dialog)
        assert f"-m pip install --no-input {packed}" in (dialog.text_content() or "")
        dialog.get_by_role("button", name="Install").click()
        window.status_bar_item.filter(has_text="built-in").wait_for(timeout=90_000)
        window.close()


def test_missing_server_is_set_by_its_path(browser: Browser, tmp_path: Path) -> None:
    with code_server(
        tmp_path, environment={"PATH": "/usr/bin:/bin"}, settings=NO_TRUST_PROMPT, workspace_trust=True
    ) as url:
        window = Window(browser, url, tmp_path)
        window.open("notes.txt")
        window.dismiss_notification("not on the PATH of this editor", button="Locate")
        path = window.input_box("Path of fillmask-ls")
        path.fill("/nowhere/fillmask-ls")
        window.page.get_by_text("Program not found.").wait_for()
        path.fill(*SERVER)
        window.press("Enter")
        window.status_bar_item.filter(has_text="built-in").wait_for()
        window.open("found.txt")
        window.type(PARIS)
        window.suggestions()
        window.close()


def test_untrusted_workspace_cannot_change_server_or_model(browser: Browser, tmp_path: Path) -> None:
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir(parents=True)
    chosen = {"fillmask.server.path": "/nowhere/fillmask-ls", "fillmask.model": "nowhere/nothing"}
    (workspace / "settings.json").write_text(json.dumps(chosen))
    with code_server(tmp_path, settings=NO_TRUST_PROMPT, workspace_trust=True) as url:
        window = Window(browser, url, tmp_path)
        window.open("notes.txt")
        window.status_bar_item.filter(has_text="built-in").wait_for()
        window.type(PARIS)
        window.suggestions()
        assert window.notifications.count() == 0
        window.press("Escape")
        window.status_bar_item.click()
        window.quick_pick_row(f"fillmask-ls {__version__}").wait_for()
        assert window.quick_pick_row("Select the model").count() == 0
        window.press("Escape")
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.dismiss_notification("fillmask.server.path is set to /nowhere/fillmask-ls, which does not exist.")
        window.close()


def test_untrusted_workspace_uses_the_users_model(
    browser: Browser, tmp_path: Path, shared_engine: SharedEngine
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "models/mine")
    # A relative path in the user's settings must not lead here.
    (tmp_path / "work/models/mine").mkdir(parents=True)
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir()
    (workspace / "settings.json").write_text(json.dumps({"fillmask.model": "nowhere/nothing"}))
    own = {"fillmask.model": "models/mine", "fillmask.engine.url": shared_engine.url}
    with code_server(tmp_path, settings=NO_TRUST_PROMPT, machine_settings=own, workspace_trust=True) as url:
        window = Window(browser, url, tmp_path)
        window.open("notes.txt")
        window.status_bar_item.filter(has_text="mine").wait_for()
        window.type(PARIS)
        window.suggestions()
        with window.user_settings({"fillmask.model": "embedded"}, scope="Machine"):
            window.status_bar_item.filter(has_text="built-in").wait_for()
        assert window.notifications.count() == 0
        assert shared_engine.requests == []
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.status_bar_item.locator(".codicon-cloud").wait_for()
        assert shared_engine.requests
        window.close()


def test_token_is_sent_only_to_the_shared_engine(
    browser: Browser, tmp_path: Path, shared_engine: SharedEngine, screenshots: Path
) -> None:
    secret = "s3cret-t0ken"
    settings, own = {"fillmask.trace.server": "verbose"}, {"fillmask.engine.url": shared_engine.url}
    with code_server(tmp_path, settings=settings, machine_settings=own) as url:
        window = Window(browser, url, tmp_path)
        window.open("notes.txt")
        window.status_bar_item.locator(".codicon-cloud").wait_for()
        assert {token for _, token, _ in shared_engine.requests} == {None}

        def set_token(token: str) -> set[str | None]:
            """Set the token, and return the tokens that the engine receives afterwards."""
            server = window.server()
            window.run("fillmask: Set Shared Engine Token…")
            box = window.page.locator(".quick-input-widget input[type=password]")
            box.wait_for()
            window.screenshot("token", screenshots, (200, 0, 600, 120))
            box.fill(token)
            window.press("Enter")
            wait_until(lambda: window.server() not in (None, server), "another server")
            shared_engine.requests.clear()
            window.open(f"letter-{len(token)}.txt")
            window.type(PARIS)
            window.suggestions()
            wait_until(lambda: shared_engine.questions, "a question")
            return {token for _, token, _ in shared_engine.requests}

        assert set_token(secret) == {f"Bearer {secret}"}
        server = window.server()
        assert server
        assert [each.path for each in server.memory_maps() if "libtorch" in each.path] == []
        window.press("Escape")
        window.status_bar_item.click()
        window.quick_pick_row(f"goes to {shared_engine.url.removeprefix('http://')}").wait_for()
        window.screenshot("engine", screenshots, (200, 0, 600, 310))
        assert secret not in (window.page.text_content("body") or "")
        window.press("Escape")
        assert set_token("") == {None}
        window.close()
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    # The editor's logs contain the trace of the server's start.
    assert [file for file in kept if secret.encode() in file.read_bytes()] == []
