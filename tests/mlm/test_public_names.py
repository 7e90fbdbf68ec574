"""Public names of ``fillmask_ls.mlm`` are found, whatever was imported before."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

from fillmask_ls import mlm


@pytest.mark.parametrize("name", mlm.__all__)
def test_public_name_is_found(name: str) -> None:
    assert not isinstance(getattr(mlm, name), ModuleType)


def test_no_submodule_hides_a_public_name() -> None:
    import_module("fillmask_ls.mlm.model")
    assert {module.name for module in pkgutil.iter_modules(mlm.__path__)}.isdisjoint(mlm.__all__)
