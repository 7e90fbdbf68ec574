"""``fillmask-ls export``."""

from __future__ import annotations

from pathlib import Path

from cli.in_process import RunCommand


def test_the_embedded_model_is_exported(run: RunCommand, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert run("export", str(folder)).out == f"{folder}\n"
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= {
        each.name for each in folder.iterdir()
    }
    assert "it exists and is not empty" in run("export", str(folder)).err


def test_what_cannot_be_exported_is_named(run: RunCommand, tmp_path: Path) -> None:
    missing = run("export", str(tmp_path / "model"), "--model", "no/such/model")
    assert missing.code == 3
    (tmp_path / "file").write_text("a file")
    blocked = run("export", str(tmp_path / "file" / "model"))
    assert blocked.code == 2
    assert "can't write" in blocked.err
    assert (tmp_path / "file").read_text() == "a file"
