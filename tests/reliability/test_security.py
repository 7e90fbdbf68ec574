"""The guarantees of SECURITY.md."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from fillmask_ls.cli import input_output, main
from fillmask_ls.cli.errors import CommandError
from fillmask_ls.lsp.server import FillmaskServer
from fillmask_ls.mlm import CheckpointError, load, resolve
from fillmask_ls.settings import Settings, merge_settings
from reliability.campaign import program_with
from wire import ThreadWire, Wire

CopyCheckpoint = Callable[[], Path]

AUDIT = """
import os, sys
def hook(event, arguments, recorded=("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system",
                                 "os.exec", "os.posix_spawn", "pickle.find_class")):
    if event in recorded:
        os.write(audit, (event + " " + repr(arguments)[:300] + "\\n").encode("utf-8", "backslashreplace"))
audit = os.open(os.environ["AUDIT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(hook)
"""


@pytest.mark.process
def test_program_reads_only_its_own_files_and_opens_no_connection(tmp_path: Path) -> None:
    secret = tmp_path / "secret place.md"
    secret.write_text("The secret [MASK].", encoding="utf-8")
    audit = tmp_path / "audit"
    with Wire(program=program_with(AUDIT), env={**os.environ, "AUDIT": str(audit)}) as wire:
        wire.initialize(rootUri=tmp_path.as_uri(), rootPath=str(tmp_path))
        wire.open("It was a [MASK] day.", (tmp_path / "open.md").as_uri())
        for uri in (secret.as_uri(), str(secret), "file:///etc/passwd", "file://evil.example/share/x"):
            for method in ("hover", "completion"):
                assert wire.request(f"textDocument/{method}", wire.position_params(0, 14, uri))["result"] is None
            wire.edit((0, 0), (0, 0), "x", 2, uri)
            arguments = {"command": "fillmask.inspect", "arguments": [{"uri": uri}]}
            assert "error" in wire.request("workspace/executeCommand", arguments)
        uri = (tmp_path / "open.md").as_uri()
        assert wire.request("textDocument/hover", wire.position_params(0, 10, uri))["result"]
    events = audit.read_text(encoding="utf-8").splitlines()
    assert any("config.json" in event for event in events), "the audit hook records nothing"
    names = (str(tmp_path / "open"), secret.name, "passwd")
    assert [event for event in events if any(name in event for name in names)] == []
    assert [event for event in events if event.startswith(("socket.", "os.system", "os.exec", "pickle."))] == []


def test_checkpoint_cannot_name_files_of_other_folders(copy_checkpoint: CopyCheckpoint) -> None:
    folder = copy_checkpoint()
    outside = folder.parent / "outside.safetensors"
    (folder / "model.safetensors").rename(outside)
    for name in ("../outside.safetensors", str(outside), "x/../../outside.safetensors"):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
        with pytest.raises(CheckpointError, match="other folders"):
            resolve(str(folder))


def test_code_in_a_checkpoint_is_never_run(copy_checkpoint: CopyCheckpoint) -> None:
    folder = copy_checkpoint()
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


def test_vocabulary_words_are_escaped_in_a_hover(copy_checkpoint: CopyCheckpoint) -> None:
    folder = copy_checkpoint()
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer.replace('"hospital"', f'"{HOSTILE}"'), encoding="utf-8")
    with ThreadWire(FillmaskServer) as wire:
        capabilities = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}}
        wire.initialize(capabilities, initializationOptions={"model": str(folder)})
        wire.open("The man was taken to the [MASK] by ambulance.")
        shown = wire.request("textDocument/hover", wire.position_params(0, 27))["result"]["contents"]["value"]
        wire.shut_down()
    assert "command" in shown
    assert not re.search(r"(?<!\\)\](?<!\\)\(", shown)


@pytest.mark.parametrize("options", [["--json"], ["--prose", "all"]])
def test_control_characters_never_reach_the_terminal(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "evil.txt"
    text.write_text(
        "\x1b]52;c;ZXZpbA==\x07 the [MASK] \x1b[2J day [red]x[/red]. Another \x9b31m [MASK].", encoding="utf-8"
    )
    assert main(["predict", str(text), *options]) == 0
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\x9b" not in output


def test_workspace_cannot_set_a_program_a_model_or_a_server() -> None:
    """Any setting with an arbitrary string could name one."""
    string_settings = [each for each in fields(Settings) if each.metadata["type"].schema == {"type": "string"}]
    assert string_settings
    assert [each.name for each in string_settings if not each.metadata["server_wide"]] == []
    workspace = {each.metadata["name"]: "evil" for each in string_settings}
    settings, problems = merge_settings(Settings(), workspace, trusted=False)
    assert settings == Settings()
    assert len(problems) == len(string_settings)


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_report_is_not_written_through_a_link(tmp_path: Path) -> None:
    report, victim = tmp_path / "report.html", tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".report.html.{os.getpid()}").symlink_to(victim)
    with pytest.raises(CommandError, match="can't write"):
        input_output.write_file(str(report), "the page")
    assert victim.read_text() == "mine"
    assert not report.exists()
