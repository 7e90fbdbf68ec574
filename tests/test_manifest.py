"""The manifest of the VS Code extension says of the server what the server says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fillmask_ls import __version__, settings
from fillmask_ls.lsp.server import COMMANDS

EXTENSION = Path(__file__).parent.parent / "client-config/vscode"
OWN = re.compile(r"fillmask\.(server|trace)\.")
"""Settings of the extension, which it keeps to itself."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return found


def test_every_setting_of_the_server_is_there_as_the_server_has_it(manifest: dict[str, Any]) -> None:
    properties = manifest["contributes"]["configuration"]["properties"]
    theirs = {name: schema for name, schema in properties.items() if not OWN.match(name)}
    assert theirs == settings.schema(), "run: PYTHON=python npm run settings, in client-config/vscode"
    assert list(theirs) == list(settings.schema())


def test_the_settings_that_choose_what_runs_are_restricted(manifest: dict[str, Any]) -> None:
    properties = manifest["contributes"]["configuration"]["properties"]
    of_the_machine = {name for name, schema in properties.items() if schema["scope"] == "machine-overridable"}
    trust = manifest["capabilities"]["untrustedWorkspaces"]
    assert trust["supported"] == "limited"
    assert set(trust["restrictedConfigurations"]) == of_the_machine
    assert of_the_machine >= {
        "fillmask.model",
        "fillmask.server.path",
        "fillmask.server.arguments",
        "fillmask.server.python",
    }


def test_every_command_of_the_server_is_in_the_palette(manifest: dict[str, Any]) -> None:
    assert set(COMMANDS) <= {command["command"] for command in manifest["contributes"]["commands"]}


def test_every_command_that_is_offered_is_one(manifest: dict[str, Any]) -> None:
    commands = {command["command"] for command in manifest["contributes"]["commands"]}
    assert {item["command"] for item in manifest["contributes"]["menus"]["commandPalette"]} <= commands
    steps = json.dumps(manifest["contributes"]["walkthroughs"])
    assert set(re.findall(r"command:([\w.]+)", steps)) <= commands


def test_the_extension_is_of_the_servers_series(manifest: dict[str, Any]) -> None:
    assert manifest["version"].split(".")[:2] == __version__.split(".")[:2]


def test_what_the_manifest_names_is_there(manifest: dict[str, Any]) -> None:
    [walkthrough] = manifest["contributes"]["walkthroughs"]
    assert len(walkthrough["steps"]) == 3
    for file in [manifest["icon"], *(step["media"]["markdown"] for step in walkthrough["steps"])]:
        assert (EXTENSION / file).is_file()


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (EXTENSION / "package-lock.json").read_text(encoding="utf-8")


def test_the_readme_is_a_screen_at_most() -> None:
    assert len((EXTENSION / "README.md").read_text(encoding="utf-8").splitlines()) <= 45
