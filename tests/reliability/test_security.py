"""What SECURITY.md promises, each on the real program."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from fillmask_ls.cli import input_output
from fillmask_ls.cli.errors import CommandError
from fillmask_ls.mlm import CheckpointError, load, resolve
from fillmask_ls.settings import Settings, merge_settings
from reliability.campaign import sabotaged
from wire import SERVER, Wire

Broken = Callable[[], Path]

AUDIT = """
import os, sys
def hook(event, arguments, kinds=("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system",
                                 "os.exec", "os.posix_spawn", "pickle.find_class")):
    if event in kinds:
        os.write(audit, (event + " " + repr(arguments)[:300] + "\\n").encode("utf-8", "backslashreplace"))
audit = os.open(os.environ["AUDIT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(hook)
"""


def test_no_file_is_read_that_the_client_did_not_open_and_nobody_is_called(tmp_path: Path) -> None:
    secret = tmp_path / "secret place.md"
    secret.write_text("The secret [MASK].")
    audit = tmp_path / "audit"
    with Wire(program=sabotaged(AUDIT), env={**os.environ, "AUDIT": str(audit)}) as wire:
        wire.initialize(rootUri=tmp_path.as_uri(), rootPath=str(tmp_path))
        wire.open("It was a [MASK] day.", (tmp_path / "open.md").as_uri())
        for uri in (secret.as_uri(), str(secret), "file:///etc/passwd", "file://evil.example/share/x"):
            for method in ("hover", "completion"):
                assert wire.request(f"textDocument/{method}", wire.at(0, 14, uri))["result"] is None
            wire.edit((0, 0), (0, 0), "x", 2, uri)
            arguments = {"command": "fillmask.inspect", "arguments": [{"uri": uri}]}
            assert "error" in wire.request("workspace/executeCommand", arguments)
        uri = (tmp_path / "open.md").as_uri()
        assert wire.request("textDocument/hover", wire.at(0, 10, uri), timeout=90)["result"]
    seen = audit.read_text().splitlines()
    assert any("config.json" in line for line in seen)  # the hook works
    assert [line for line in seen if str(tmp_path / "open") in line or secret.name in line or "passwd" in line] == []
    assert [line for line in seen if line.startswith(("socket.", "os.system", "os.exec", "pickle."))] == []


def test_what_a_page_sends_to_a_tcp_port_is_not_taken() -> None:
    server = subprocess.Popen([*SERVER, "--tcp", "0", "--log", "info"], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    port = int(server.stderr.readline().rpartition(":")[2])
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    page = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.sendall((page + body).encode())
        browser.settimeout(10)
        with contextlib.suppress(ConnectionError):
            assert browser.recv(1000) == b""
    assert "a page in a browser" in server.stderr.readline()
    server.kill()
    server.communicate()


def test_a_checkpoint_names_no_files_of_other_folders(broken: Broken) -> None:
    folder = broken()
    outside = folder.parent / "outside.safetensors"
    (folder / "model.safetensors").rename(outside)
    for name in ("../outside.safetensors", str(outside), "x/../../outside.safetensors"):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
        with pytest.raises(CheckpointError, match="other folders"):
            resolve(str(folder))


def test_code_in_a_checkpoint_is_not_run(broken: Broken) -> None:
    folder = broken()
    trap = folder / "ran"
    (folder / "evil.py").write_text(f"open({str(trap)!r}, 'w')\nclass Evil: pass\n")
    names = {"AutoConfig": "evil.Evil", "AutoModelForMaskedLM": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
    for file in ("config.json", "tokenizer_config.json"):
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**content, "auto_map": names}))
    load(str(folder))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "evil"}))
    with pytest.raises(CheckpointError):
        load(str(folder))
    assert not trap.exists()


HOSTILE = "[x](command:evil)"


def test_a_vocabulary_puts_no_command_into_a_hover_and_a_name_no_line_into_the_log(broken: Broken) -> None:
    folder = broken()
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer.replace('"hospital"', f'"{HOSTILE}"'), encoding="utf-8")
    named = folder.rename(folder.with_name("a\nfillmask-ls: ERROR: \x1b[31mforged"))
    with Wire("--log", "info") as wire:
        capabilities = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}}
        wire.initialize(capabilities, initializationOptions={"model": str(named)})
        wire.open("The man was taken to the [MASK] by ambulance.")
        shown = wire.request("textDocument/hover", wire.at(0, 27), timeout=90)["result"]["contents"]["value"]
        assert "command" in shown
        assert not re.search(r"(?<!\\)\](?<!\\)\(", shown)
        wire.request("shutdown")
        wire.notify("exit")
        wire.wait(10)
        assert wire.process.stderr is not None
        log = wire.process.stderr.read().decode()
    assert "forged" in log
    assert "\x1b" not in log
    assert all(line.startswith("fillmask-ls: ") and "ERROR" not in line[:20] for line in log.splitlines())


@pytest.mark.parametrize("option", ["--json", "--prose"])
def test_a_text_says_nothing_to_the_terminal(option: str, tmp_path: Path) -> None:
    text = tmp_path / "evil.txt"
    text.write_text(
        "\x1b]52;c;ZXZpbA==\x07 the [MASK] \x1b[2J day [red]x[/red]. Another \x9b31m [MASK].", encoding="utf-8"
    )
    done = subprocess.run(
        [*SERVER, "predict", text, *([option] if option == "--json" else [option, "all"])],
        capture_output=True,
        timeout=110,
    )
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert "\x9b".encode() not in done.stdout


def test_every_setting_that_names_something_is_the_users_alone() -> None:
    """A text that is no choice among few could name a program, a model, a server or a token."""
    free = [each for each in fields(Settings) if each.metadata["type"].schema == {"type": "string"}]
    assert free
    assert [each.name for each in free if not each.metadata["server_wide"]] == []
    workspace = {each.metadata["name"]: "evil" for each in free}
    settings, problems = merge_settings(Settings(), workspace, trusted=False)
    assert settings == Settings()
    assert len(problems) == len(free)


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_a_report_is_not_written_through_a_link(tmp_path: Path) -> None:
    report, victim = tmp_path / "report.html", tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".report.html.{os.getpid()}").symlink_to(victim)
    with pytest.raises(CommandError, match="can't write"):
        input_output.write_file(str(report), "the page")
    assert victim.read_text() == "mine"
    assert not report.exists()


def test_the_audit_would_see_it(tmp_path: Path) -> None:
    planted = AUDIT + "\nimport threading\nthreading.Timer(0, lambda: open(os.environ['SECRET'])).start()\n"
    secret, audit = tmp_path / "secret", tmp_path / "audit"
    secret.write_text("")
    env = {**os.environ, "AUDIT": str(audit), "SECRET": str(secret)}
    with Wire(program=sabotaged(planted), env=env) as wire:
        wire.initialize()
    assert str(secret) in audit.read_text()
