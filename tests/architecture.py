"""Checks of a package's imports and modules, for test_architecture.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A package on the disk, and the imports of its modules.

    Attributes:
        root: its folder.
        imports: for each module, the modules of the package that it imports, also inside functions and for types only.
    """

    root: Path
    imports: Mapping[str, Set[str]] = field(repr=False)

    @classmethod
    def read(cls, root: Path) -> Package:
        files = {_name(root, file): file for file in sorted(root.rglob("*.py"))}
        imports = {
            name: {module for module in _imported(root, file) if module in files} for name, file in files.items()
        }
        return cls(root, imports)

    def subpackage(self, module: str) -> str:
        """Return the subpackage of a module, or the name of a top-level module."""
        return module.split(".")[1] if "." in module else ""

    def forbidden_imports(self, allowed: Mapping[str, Set[str]]) -> set[tuple[str, str]]:
        """Return the imports between subpackages that are not allowed; ``mlm.results`` allows a single module."""
        return {
            (module, imported)
            for module, all_imported in self.imports.items()
            for imported in all_imported
            if (subpackage := self.subpackage(module))
            and (other := self.subpackage(imported)) not in ("", subpackage)
            and other not in allowed.get(subpackage, set())
            and imported.partition(".")[2] not in allowed.get(subpackage, set())
        }

    def cycles(self) -> set[frozenset[str]]:
        """Return the import cycles: sets of modules that import one another, directly or through others."""
        reachable = {module: self._reachable(module) for module in self.imports}
        return {
            frozenset(other for other in reachable[module] if module in reachable[other])
            for module in self.imports
            if module in reachable[module]
        }

    def importers(self, module: str, within: str) -> set[str]:
        """Return the modules of a subpackage that import a module."""
        return {
            name for name, imported in self.imports.items() if module in imported and self.subpackage(name) == within
        }

    def long_modules(self, max_lines: int) -> set[str]:
        """Return the modules of more than ``max_lines`` lines."""
        return {
            _name(self.root, file)
            for file in self.root.rglob("*.py")
            if len(file.read_text(encoding="utf-8").splitlines()) > max_lines
        }

    def definitions(self, name: str) -> set[str]:
        """Return the modules that assign or define a name at their top level, other than by an import."""
        return {
            _name(self.root, file)
            for file in self.root.rglob("*.py")
            if any(_defines(node, name) for node in ast.parse(file.read_text(encoding="utf-8")).body)
        }

    def _reachable(self, module: str) -> set[str]:
        reachable: set[str] = set()
        waiting = [*self.imports[module]]
        while waiting:
            other = waiting.pop()
            if other not in reachable:
                reachable.add(other)
                waiting += self.imports[other]
        return reachable


def _name(root: Path, file: Path) -> str:
    """Return the dotted name of a module; a package's own name for its ``__init__``."""
    parts = [root.name, *file.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(root: Path, file: Path) -> Iterator[str]:
    package = [root.name, *file.relative_to(root).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{module}.{alias.name}"
                yield submodule if _exists(root, submodule) else module


def _exists(root: Path, module: str) -> bool:
    path = root.parent.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _defines(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == name for target in targets)
        case ast.AnnAssign(target=ast.Name(id=defined)) | ast.ClassDef(name=defined) | ast.FunctionDef(name=defined):
            return defined == name
    return False
