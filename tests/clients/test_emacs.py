"""A person at a real Emacs: the tests are in Emacs' own language, in ``emacs/``, and run in batch mode."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from clients.editors import CLIENTS, artefact, environment, follow, missing, program

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

FOLDER = CLIENTS / "emacs"
TESTS = Path(__file__).parent / "emacs"
PROGRAMS = {"emacs": "emacs", "emacs-next": "emacs-next"}


@pytest.fixture(params=PROGRAMS)
def emacs(request: pytest.FixtureRequest) -> str:
    """The Emacs that is tested always, and a newer one where there is one."""
    return program(request.param, PROGRAMS[request.param])


def run(emacs: str, home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    documents = home / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", documents], check=True)
    return subprocess.run(
        [emacs, "--batch", *arguments],
        env={**environment(home), "DOCUMENTS": str(documents)},
        cwd=documents,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )


@pytest.mark.parametrize("client", ["eglot", "lsp-mode"])
def test_as_a_person_uses_it(emacs: str, client: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if client == "lsp-mode" and run(emacs, tmp_path, "-f", "package-initialize", "-l", "lsp-mode").returncode:
        missing("lsp-mode", "there is no lsp-mode")
    home = tmp_path / "home"
    home.mkdir()
    follow(FOLDER / "README.md", "mkdir", home)
    begun = run(
        emacs,
        home,
        "-l",
        home / ".emacs.d/init.el",
        "-l",
        TESTS / f"{client}-test.el",
        "-f",
        "ert-run-tests-batch-and-exit",
    )
    artefact(f"{Path(emacs).name}-{client}.txt", tmp_path, begun.stdout)
    assert begun.returncode == 0, begun.stdout[-6000:]


def test_it_compiles_without_a_warning(emacs: str, tmp_path: Path) -> None:
    copy = Path(shutil.copy(FOLDER / "fillmask.el", tmp_path))
    compiled = run(emacs, tmp_path, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", copy)
    assert compiled.returncode == 0, compiled.stdout
    checked = run(emacs, tmp_path, "--eval", f'(progn (require (quote checkdoc)) (checkdoc-file "{copy}"))')
    assert "fillmask.el" not in checked.stdout
