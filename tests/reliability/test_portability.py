"""The server's source uses nothing that only one operating system has."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

from fillmask_ls.documents.languages.registry import find_language

SERVER = Path(__file__).parents[2] / "server" / "fillmask_ls"

UNPORTABLE_MODULES = {
    "fcntl",
    "grp",
    "msvcrt",
    "posix",
    "pty",
    "pwd",
    "resource",
    "syslog",
    "termios",
    "tty",
    "winreg",
}
UNPORTABLE_NAMES = {
    "add_reader", "add_signal_handler", "connect_read_pipe", "connect_write_pipe", "fork", "forkpty", "getegid",
    "geteuid", "getppid", "getuid", "killpg", "mkfifo", "openpty", "prctl", "set_blocking", "setsid", "SIGHUP", "SIGKILL",
    "SIGPIPE", "SIGUSR1", "startfile", "sync", "uname",
}  # fmt: skip
UNPORTABLE_PATHS = ("/proc/", "/dev/", "/tmp", "/etc/", "/sys/", "C:\\")


def findings(source: str) -> Iterator[str]:
    """Yield the unportable names and paths in a source, and its calls that open text without an encoding."""
    tree = ast.parse(source)
    guarded = {id(part) for node in ast.walk(tree) if _has_alternative(node) for part in node.body}
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from UNPORTABLE_MODULES.intersection(names)
        elif isinstance(node, ast.Attribute) and node.attr in UNPORTABLE_NAMES:
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith(UNPORTABLE_PATHS):
                yield node.value
        elif (
            isinstance(node, ast.Call) and _opens_text(node) and "encoding" not in {each.arg for each in node.keywords}
        ):
            yield f"{ast.unparse(node)} has no encoding"


def _has_alternative(node: ast.AST) -> TypeGuard[ast.Try | ast.With]:
    """Return whether a statement goes on where a module is missing."""
    if isinstance(node, ast.With):
        context = node.items[0].context_expr
        return (
            isinstance(context, ast.Call)
            and ast.unparse(context.func).endswith("suppress")
            and "ImportError" in map(ast.unparse, context.args)
        )
    return isinstance(node, ast.Try) and any(
        isinstance(handler.type, ast.Name) and handler.type.id == "ImportError" for handler in node.handlers
    )


def _opens_text(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    modes = [each.value for each in call.args if isinstance(each, ast.Constant)]
    if name == "open" and isinstance(call.func, ast.Attribute) and len(modes) < len(call.args):
        return False  # it opens a document, not a file
    return name in ("read_text", "write_text") or (
        name in ("open", "fdopen") and not any("b" in str(mode) for mode in modes)
    )


@pytest.mark.parametrize("file", sorted(SERVER.rglob("*.py")), ids=lambda file: str(file.relative_to(SERVER)))
def test_module_uses_nothing_unportable(file: Path) -> None:
    assert list(findings(file.read_text(encoding="utf-8"))) == []


def test_unportable_line_is_found() -> None:
    for line in (
        "import fcntl",
        "os.getppid()",
        "open('/proc/self/status', 'rb')",
        "Path('x').read_text()",
        "open('x')",
    ):
        assert list(findings(line)), line


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///c%3A/Users/A%20B/notes.md", "markdown"),
        ("file:///C:/Users/A B/notes.MD", "markdown"),
        ("file://server/share/A%20B/paper.tex", "latex"),
        ("untitled:Untitled-1", ""),
        ("vscode-notebook-cell:/c%3A/a.ipynb#W0sZmlsZQ%3D%3D", ""),
        ("file:///c%3A/%ZZ%/a%00.md", "markdown"),
        ("c:\\a\\b.rst", "restructuredtext"),
    ],
)
def test_language_is_found_in_the_uris_of_every_system(uri: str, expected: str) -> None:
    assert find_language("", uri) == expected


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_types_are_right_on_every_system_and_python(platform: str, version: str) -> None:
    command = [sys.executable, "-m", "mypy", "--platform", platform, "--python-version", version]
    result = subprocess.run(command, cwd=SERVER.parents[1], capture_output=True, text=True, timeout=800)
    assert result.returncode == 0, result.stdout
