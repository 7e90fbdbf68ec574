"""Collect permissively licensed documentation for ``prose_accuracy.py``: a folder of files for each kind.

    python tests/benchmarks/prose_corpus.py FOLDER
    python tests/benchmarks/prose_corpus.py FOLDER --mirror '/mirrors/{owner}/{name}.git'

Each repository is cloned without history, or read from a mirror. Nothing of it belongs in this repository.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 150
_MARKDOWN_CELLS_PER_FILE = 12


@dataclass(frozen=True, slots=True)
class Source:
    """Files of a repository on GitHub, at a commit, and the license of their text."""

    kind: str
    repository: str
    commit: str
    files: str
    license: str


SOURCES = [
    Source("markdown", "mkdocs/mkdocs", "2862536793b3c67d9d83c33e0dd6d50a791928f8", r"^docs/.*\.md$", "BSD-2-Clause"),
    Source(
        "markdown", "squidfunk/mkdocs-material", "5b36f2ac499a45905e246bc66bbee2858ef6556f", r"^docs/.*\.md$", "MIT"
    ),
    Source(
        "markdown", "executablebooks/MyST-Parser", "4ec4cf86c2ba01e0d425f801f8374effc65b71fb", r"^docs/.*\.md$", "MIT"
    ),
    Source(
        "restructuredtext",
        "sphinx-doc/sphinx",
        "e44a40eb2f810558ccd9da1425421270ccb81351",
        r"^doc/.*\.rst$",
        "BSD-2-Clause",
    ),
    Source(
        "restructuredtext",
        "pallets/flask",
        "2ac89889f4cc330eabd50f295dcef02828522c69",
        r"^docs/.*\.rst$",
        "BSD-3-Clause",
    ),
    Source("latex", "HoTT/book", "578b85cc8d586b1677ec4335148adeb443057d24", r"\.tex$", "CC-BY-SA-3.0"),
    Source(
        "html",
        "w3c/wcag",
        "58080bdb063746f1519d55c4714897ac4b83d171",
        r"^(?:techniques|understanding)/.*\.html$",
        "W3C document license",
    ),
    Source("yaml", "actions/starter-workflows", "1035244887e26fbbd4f1017d919fb5995cc521c4", r"\.ya?ml$", "MIT"),
    Source(
        "yaml",
        "ansible-collections/community.general",
        "ade4f3ecc1",
        r"^(?!tests/).*\.ya?ml$",
        "GPL-3.0, used for measuring only",
    ),
    Source("notebook", "ageron/handson-ml2", "1e2115277b50f6c584cd668fa30e3af309a5b136", r"\.ipynb$", "Apache-2.0"),
    Source("comments", "libuv/libuv", "6179e7af87413396d5853a1c3722c8b5749336c8", r"^(?:src|include)/.*\.[ch]$", "MIT"),
    Source("comments", "tidyverse/dplyr", "d5e94e7fa8fd4a5f79c1a707d1842216bb4c691f", r"^R/.*\.R$", "MIT"),
    Source("comments", "tokio-rs/tokio", "ea91b33ca57ff0581b38e735cc108f831bccbdaa", r"^tokio/src/.*\.rs$", "MIT"),
    Source("comments", "sinatra/sinatra", "cb22afd7902b566b6eaba6c4ea89739494a65d12", r"\.rb$", "MIT"),
    Source("comments", "google/gson", "9835b6f90192f79cdf5300c528fc6212455fb6c1", r"main/.*\.java$", "Apache-2.0"),
    Source("comments", "lodash/lodash", "9429a4ee03056e5b7be9a85a54571d7630f05983", r"\.js$", "MIT"),
    Source("comments", "gorilla/mux", "db9d1d0073d27a0a2d9a8c1bc52aa0af4374d265", r"\.go$", "BSD-3-Clause"),
    Source("comments", "ohmyzsh/ohmyzsh", "830a5bcfd29fd577fdcd5f3b8e98cbaf973421fa", r"\.(?:sh|zsh)$", "MIT"),
    Source(
        "comments",
        "terraform-aws-modules/terraform-aws-eks",
        "bef29c4d9523523e57fe898643fde2895106b339",
        r"\.tf$",
        "Apache-2.0",
    ),
    Source("comments", "pallets/flask", "2ac89889f4cc330eabd50f295dcef02828522c69", r"\.py$", "BSD-3-Clause"),
]


def git(*arguments: str) -> bytes:
    """Return what a git command prints."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True).stdout


def read_files(directory: str, source: Source) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of at most :data:`MAX_FILES` files, spread over the repository."""
    names = git("--git-dir", directory, "ls-tree", "-r", "--name-only", source.commit).decode().splitlines()
    names = sorted(name for name in names if re.search(source.files, name))
    for name in names[:: max(1, -(-len(names) // MAX_FILES))]:
        try:
            text = git("--git-dir", directory, "show", f"{source.commit}:{name}").decode(errors="replace")
        except subprocess.CalledProcessError:  # missing in a mirror
            continue
        yield from markdown_cells(name, text) if name.endswith(".ipynb") else [(name, text)]


def markdown_cells(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the Markdown cells of a notebook, a dozen in a file."""
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    for number in range(0, len(cells), _MARKDOWN_CELLS_PER_FILE):
        yield f"{name}-{number:03}.md", "\n\n".join(cells[number : number + _MARKDOWN_CELLS_PER_FILE])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mirror", help="path of a git directory, with {owner} and {name}")
    options = parser.parse_args()
    for source in SOURCES:
        owner, name = source.repository.split("/")
        folder = options.folder / source.kind
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            directory = options.mirror.format(owner=owner, name=name) if options.mirror else temporary
            if not options.mirror:
                git("init", "--bare", directory)
                git(
                    "--git-dir",
                    directory,
                    "fetch",
                    "--depth=1",
                    f"https://github.com/{source.repository}",
                    source.commit,
                )
            for file, text in read_files(directory, source):
                (folder / f"{name}-{file.replace('/', '-')}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
