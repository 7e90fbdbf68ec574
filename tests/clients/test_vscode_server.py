"""The server behind the extension in VS Code: which model answers, settings, installing, trust, a shared engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.editors import ROOT, wait
from clients.vscode import PARIS, Window, code_server
from fillmask_ls import __version__
from fillmask_ls.mlm.checkpoint import EMBEDDED
from wire import SERVER

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from shared_engine import SharedEngine

pytestmark = pytest.mark.clients

UNASKED = {"security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never"}
"""Settings with which a workspace stays untrusted."""


def test_the_status_bar_says_which_model_answers_and_has_a_menu(window: Window, pictures: Path) -> None:
    window.open("status.txt", "The [MASK] is blue.\n")
    assert (window.status.text_content() or "").strip() == "embedded"
    window.status.click()
    window.choice(f"fillmask-ls {__version__}").wait_for()
    window.picture("menu", pictures, (200, 0, 600, 310))
    window.choice("Fill all masks").click()
    wait(lambda: "[MASK]" not in window.shown(), "the word")


def test_a_model_is_chosen(window: Window) -> None:
    window.open("model.txt")
    window.run("fillmask: Choose the Model…")
    window.choice("the small model that comes with the server").click()
    window.toast("embedded answers", button="Keep It in the Settings")
    wait(lambda: window.settings().get("fillmask.model") == "embedded", "the setting")


def test_a_name_on_the_hub_is_checked_before_it_is_asked_for(window: Window) -> None:
    window.open("download.txt")
    window.run("fillmask: Download a Model…")
    box = window.asked("Download a model from the Hugging Face hub")
    assert box.input_value() == "google-bert/bert-base-uncased"
    box.fill("two words")
    window.page.locator(".quick-input-message", has_text="for example google-bert/bert-base-uncased").wait_for()
    window.press("Escape")


def test_settings_hold_at_once(window: Window) -> None:
    with window.user_settings({"fillmask.completion.topK": 3, "fillmask.trace.server": "messages"}):
        window.open("settings.txt")
        window.type(PARIS)
        wait(lambda: len(window.words()) == 3, "three words")


def test_a_server_that_is_killed_comes_back(window: Window) -> None:
    window.open("killed.txt")
    server = window.server()
    server.kill()
    window.type(PARIS)  # its list opens when there is a server with a model
    assert len(window.words()) == 10
    assert window.server() not in (None, server)


def test_restart(window: Window) -> None:
    window.open("restart.txt")
    server = window.server()
    window.run("fillmask: Restart the Server")
    wait(lambda: window.server() not in (None, server), "another server")
    window.type(PARIS)
    assert len(window.words()) == 10


def test_the_walkthrough_has_three_steps_and_a_document_to_try(window: Window, pictures: Path) -> None:
    window.run("fillmask: Open the Walkthrough")
    steps = window.page.locator(".getting-started-step")
    steps.nth(2).wait_for()
    assert steps.count() == 3
    # The server runs already, so that there is nothing to do for the first.
    steps.first.locator(".complete").wait_for()
    assert steps.nth(1).locator(".complete").count() == 0
    window.picture("walkthrough", pictures)
    steps.nth(1).click()
    window.page.locator(".getting-started-step button, .getting-started-step .monaco-button", has_text="Try it").click()
    assert len(window.words()) >= 10
    assert window.page.locator(".tab.active").get_attribute("data-resource-name", timeout=1000) != ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server as pip would get it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
    return folder


def test_a_missing_server_is_offered_once_and_installed_when_the_user_says_so(
    browser: Browser, wheel: Path, tmp_path: Path, pictures: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheel),
        # Only the server itself is installed; what it needs is here already.
        "PIP_NO_DEPS": "1",
        "PIP_IGNORE_INSTALLED": "1",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    with code_server(tmp_path / "home", environment=environment) as address:
        window = Window(browser, address, tmp_path / "home")
        file = window.open("missing.txt")
        window.toast("The server fillmask-ls is not installed, or not on the PATH of this editor.")
        window.type("It goes [on]")
        window.saved(file, "It goes [on]")
        time.sleep(5)  # within which VS Code writes down that it was offered

        window.page.reload()
        window.status.locator(".codicon-warning").wait_for()
        time.sleep(2)  # within which it would be offered again
        assert window.notifications.filter(has_text="fillmask").count() == 0
        window.status.click()
        window.choice("Install the server").click()
        dialog = window.page.locator(".monaco-dialog-box")
        dialog.wait_for()
        said = dialog.text_content() or ""
        assert "python3 -m venv --clear" in said
        assert '-m pip install --no-input "fillmask-ls>=0.1,<0.2"' in said
        window.picture("install", pictures)
        dialog.get_by_role("button", name="Install").click()
        window.status.filter(has_text="embedded").wait_for(timeout=90_000)
        window.open("installed.txt")
        window.type(PARIS)
        assert len(window.words()) == 10
        window.close()


def test_a_server_that_the_editor_does_not_find_is_named_by_its_path(browser: Browser, tmp_path: Path) -> None:
    with code_server(tmp_path, environment={"PATH": "/usr/bin:/bin"}, settings=UNASKED, trusting=False) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.toast("not on the PATH of this editor", button="Find It")
        path = window.asked("Where is fillmask-ls?")
        path.fill("/nowhere/fillmask-ls")
        window.page.get_by_text("There is no such program.").wait_for()
        path.fill(*SERVER)
        window.press("Enter")
        window.status.filter(has_text="embedded").wait_for()
        window.open("found.txt")
        window.type(PARIS)
        assert len(window.words()) == 10
        window.close()


def test_a_workspace_without_trust_chooses_neither_server_nor_model(browser: Browser, tmp_path: Path) -> None:
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir(parents=True)
    chosen = {"fillmask.server.path": "/nowhere/fillmask-ls", "fillmask.model": "nowhere/nothing"}
    (workspace / "settings.json").write_text(json.dumps(chosen))
    with code_server(tmp_path, settings=UNASKED, trusting=False) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.filter(has_text="embedded").wait_for()
        window.type(PARIS)
        assert len(window.words()) == 10
        assert window.notifications.count() == 0
        window.press("Escape")
        window.status.click()
        window.choice(f"fillmask-ls {__version__}").wait_for()
        assert window.choice("Choose the model").count() == 0
        window.press("Escape")
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.toast("fillmask.server.path names /nowhere/fillmask-ls, which is not there.")
        window.close()


def test_without_trust_the_users_own_model_answers_here_and_the_workspaces_does_not(
    browser: Browser, tmp_path: Path, ours: SharedEngine
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "models/mine")
    # What a relative path must not lead to.
    (tmp_path / "work/models/mine").mkdir(parents=True)
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir()
    (workspace / "settings.json").write_text(json.dumps({"fillmask.model": "nowhere/nothing"}))
    own = {"fillmask.model": "models/mine", "fillmask.engine.url": ours.url}
    with code_server(tmp_path, settings=UNASKED, machine=own, trusting=False) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.filter(has_text="mine").wait_for()
        window.type(PARIS)
        assert len(window.words()) == 10
        with window.user_settings({"fillmask.model": "embedded"}, of="Machine"):
            window.status.filter(has_text="embedded").wait_for()
        assert window.notifications.count() == 0
        assert ours.requests == []
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.status.locator(".codicon-cloud").wait_for()
        assert ours.requests
        window.close()


def test_a_shared_engine_gets_the_token_from_the_secret_store_and_nobody_else_sees_it(
    browser: Browser, tmp_path: Path, ours: SharedEngine, pictures: Path
) -> None:
    secret = "s3cret-t0ken"
    settings, own = {"fillmask.trace.server": "verbose"}, {"fillmask.engine.url": ours.url}
    with code_server(tmp_path, settings=settings, machine=own) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.locator(".codicon-cloud").wait_for()
        assert {token for _, token, _ in ours.requests} == {None}

        def give(token: str) -> set[str | None]:
            """Type the token; returns those that the engine gets from then on."""
            server = window.server()
            window.run("fillmask: Set the Token of the Shared Engine…")
            box = window.page.locator(".quick-input-widget input[type=password]")
            box.wait_for()
            window.picture("token", pictures, (200, 0, 600, 120))
            box.fill(token)
            window.press("Enter")
            wait(lambda: window.server() not in (None, server), "another server")
            ours.requests.clear()
            window.open(f"letter-{len(token)}.txt")
            window.type(PARIS)
            window.words()
            wait(lambda: ours.asked, "a question")
            return {token for _, token, _ in ours.requests}

        assert give(secret) == {f"Bearer {secret}"}
        server = window.server()
        assert server
        assert [each.path for each in server.memory_maps() if "libtorch" in each.path] == []
        window.press("Escape")
        window.status.click()
        window.choice(f"goes to {ours.url.removeprefix('http://')}").wait_for()
        window.picture("engine", pictures, (200, 0, 600, 310))
        assert secret not in (window.page.text_content("body") or "")
        window.press("Escape")
        assert give("") == {None}
        window.close()
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    # Where this editor writes logs, the trace of the server's start is among them.
    assert [file for file in kept if secret.encode() in file.read_bytes()] == []
