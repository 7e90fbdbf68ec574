"""Run code-server, which serves VS Code to a browser, with the extension."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from clients.editors import (
    CLIENT_CONFIG,
    editors_folder,
    free_port,
    is_reachable,
    kill_tree,
    skip_or_fail,
    wait_until,
)

EXTENSION = CLIENT_CONFIG / "vscode"

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
"""Settings without distractions. None of them affects fillmask."""

CLOSE_KEY = "ctrl+alt+w"
"""Reverts and closes an editor without a prompt."""


def node_and_code_server() -> tuple[Path, Path]:
    """Return the paths of Node and code-server. Without them, skip the test or fail it if required."""
    editors = editors_folder()
    node = editors / "node/node_modules/.bin/node"
    server = editors / "code-server/node_modules/code-server/out/node/entry.js"
    for needed in (node, server, EXTENSION / "fillmask.vsix"):
        if not needed.exists():
            skip_or_fail("vscode", f"{needed} not found; run tests/clients/install.sh")
    return node, server


@cache
def extensions_folder() -> tempfile.TemporaryDirectory[str]:
    """Install the extension into a temporary folder, which all servers share."""
    node, server = node_and_code_server()
    folder = tempfile.TemporaryDirectory(prefix="fillmask-extensions-")
    install = [node, server, "--extensions-dir", folder.name, "--install-extension", EXTENSION / "fillmask.vsix"]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home}
        subprocess.run([*install, "--user-data-dir", home], env=environment, capture_output=True, check=True)
    return folder


@contextmanager
def code_server(
    home: Path,
    *,
    settings: Mapping[str, Any] = {},
    machine_settings: Mapping[str, Any] = {},
    environment: Mapping[str, str] = {},
    workspace_trust: bool = False,
) -> Iterator[str]:
    """Run code-server with the extension, and kill it with its child processes afterwards.

    Args:
        home: an empty folder for the user and the editor's state.
        settings: user settings, in addition to ``SETTINGS``.
        machine_settings: user settings for this machine, which an editor in a browser keeps separately.
        environment: environment variables, in addition to the current ones and a ``PATH`` with the server under test.
        workspace_trust: whether workspaces are untrusted until the user trusts them.

    Yields:
        The URL.
    """
    node, server = node_and_code_server()
    user = home / "user/User"
    user.mkdir(parents=True, exist_ok=True)
    (user / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
    (home / "user/Machine").mkdir(exist_ok=True)
    (home / "user/Machine/settings.json").write_text(json.dumps(machine_settings))
    revert = {"key": CLOSE_KEY, "command": "workbench.action.revertAndCloseActiveEditor"}
    (user / "keybindings.json").write_text(json.dumps([revert]))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VSCODE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    variables = {**inherited, "PATH": path, "HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), **environment}
    # The editor takes its variables from a login shell, where /etc/profile may set another PATH.
    (home / ".profile").write_text(f"export PATH={shlex.quote(variables['PATH'])}\n")
    start = [
        str(node),
        str(server),
        "--user-data-dir",
        str(home / "user"),
        "--extensions-dir",
        extensions_folder().name,
    ]
    with (home / "log").open("w") as log:
        port = free_port()
        serve = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
        trust = [] if workspace_trust else ["--disable-workspace-trust"]
        process = subprocess.Popen([*start, *serve, *trust], env=variables, stdout=log, stderr=log, cwd=home)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or is_reachable(f"{url}/healthz"), "code-server")
        assert process.poll() is None, (home / "log").read_text()
        yield url
    finally:
        kill_tree(process.pid)
        process.wait()
