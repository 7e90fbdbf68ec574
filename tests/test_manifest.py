"""The manifest of the VS Code extension agrees with the server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fillmask_ls import __version__, settings
from fillmask_ls.lsp.server import COMMANDS

EXTENSION = Path(__file__).parent.parent / "client-config/vscode"
EXTENSION_SETTING = re.compile(r"fillmask\.(server|trace)\.")
"""Names of settings that only the extension reads."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return content


def test_settings_are_those_of_the_server(manifest: dict[str, Any]) -> None:
    properties = manifest["contributes"]["configuration"]["properties"]
    in_manifest = {name: schema for name, schema in properties.items() if not EXTENSION_SETTING.match(name)}
    assert in_manifest == settings.schema(), "run: PYTHON=python npm run settings, in client-config/vscode"
    assert list(in_manifest) == list(settings.schema())


def test_untrusted_workspaces_cannot_change_what_runs(manifest: dict[str, Any]) -> None:
    properties = manifest["contributes"]["configuration"]["properties"]
    machine_settings = {name for name, schema in properties.items() if schema["scope"] == "machine-overridable"}
    trust = manifest["capabilities"]["untrustedWorkspaces"]
    assert trust["supported"] == "limited"
    assert set(trust["restrictedConfigurations"]) == machine_settings
    assert machine_settings >= {
        "fillmask.model",
        "fillmask.server.path",
        "fillmask.server.arguments",
        "fillmask.server.python",
    }


def test_palette_has_every_command_of_the_server(manifest: dict[str, Any]) -> None:
    assert set(COMMANDS) <= {command["command"] for command in manifest["contributes"]["commands"]}


def test_menus_and_walkthrough_name_existing_commands(manifest: dict[str, Any]) -> None:
    commands = {command["command"] for command in manifest["contributes"]["commands"]}
    assert {item["command"] for item in manifest["contributes"]["menus"]["commandPalette"]} <= commands
    steps = json.dumps(manifest["contributes"]["walkthroughs"])
    assert set(re.findall(r"command:([\w.]+)", steps)) <= commands


def test_extension_and_server_have_the_same_minor_version(manifest: dict[str, Any]) -> None:
    assert manifest["version"].split(".")[:2] == __version__.split(".")[:2]


def test_files_that_the_manifest_names_exist(manifest: dict[str, Any]) -> None:
    [walkthrough] = manifest["contributes"]["walkthroughs"]
    assert len(walkthrough["steps"]) == 3
    for file in [manifest["icon"], *(step["media"]["markdown"] for step in walkthrough["steps"])]:
        assert (EXTENSION / file).is_file()


def test_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (EXTENSION / "package-lock.json").read_text(encoding="utf-8")


def test_readme_has_at_most_45_lines() -> None:
    assert len((EXTENSION / "README.md").read_text(encoding="utf-8").splitlines()) <= 45
