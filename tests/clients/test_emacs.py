"""Use Emacs in batch mode, configured as ``client-config/emacs/README.md`` describes. The tests are Emacs Lisp, in ``emacs/``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from clients.editors import (
    CLIENT_CONFIG,
    artifacts_folder,
    find_program,
    run_readme_block,
    skip_or_fail,
    user_environment,
)

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

CONFIG = CLIENT_CONFIG / "emacs"
TESTS = Path(__file__).parent / "emacs"


@pytest.fixture(params=["emacs", "emacs-next"])
def emacs(request: pytest.FixtureRequest) -> str:
    """The supported Emacs, and a newer one if installed."""
    return find_program(request.param, request.param)


def run_batch(emacs: str, home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    documents = home / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", documents], check=True)
    try:
        return subprocess.run(
            [emacs, "--batch", *arguments],
            env={**user_environment(home), "DOCUMENTS": str(documents)},
            cwd=documents,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
        )
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"Emacs did not end within {error.timeout} s:\n{(error.stdout or b'').decode()[-6000:]}")


@pytest.mark.parametrize("client", ["eglot", "lsp-mode"])
def test_lisp_tests_pass(emacs: str, client: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if client == "lsp-mode" and run_batch(emacs, tmp_path, "-f", "package-initialize", "-l", "lsp-mode").returncode:
        skip_or_fail("lsp-mode", "lsp-mode not found")
    home = tmp_path / "home"
    home.mkdir()
    run_readme_block(CONFIG / "README.md", "mkdir", home)
    result = run_batch(
        emacs,
        home,
        "-l",
        home / ".emacs.d/init.el",
        "-l",
        TESTS / f"{client}-test.el",
        "-f",
        "ert-run-tests-batch-and-exit",
    )
    log = artifacts_folder(tmp_path) / f"{Path(emacs).name}-{client}.txt"
    log.write_text(result.stdout, encoding="utf-8")
    assert result.returncode == 0, result.stdout[-6000:]


def test_package_compiles_without_warnings(emacs: str, tmp_path: Path) -> None:
    copy = Path(shutil.copy(CONFIG / "fillmask.el", tmp_path))
    compiled = run_batch(
        emacs, tmp_path, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", copy
    )
    assert compiled.returncode == 0, compiled.stdout
    checked = run_batch(emacs, tmp_path, "--eval", f'(progn (require (quote checkdoc)) (checkdoc-file "{copy}"))')
    assert "fillmask.el" not in checked.stdout
