"""The examples in the library's docstrings print what they say, with the embedded model."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest
import torch

from fillmask_ls import mlm

NEEDING_EXTRAS = {"network", "openvino"}
MODULES = ["", *sorted({module.name for module in pkgutil.iter_modules(mlm.__path__)} - NEEDING_EXTRAS)]
FINDER = doctest.DocTestFinder(exclude_empty=True)


def examples(name: str) -> list[doctest.DocTest]:
    module = import_module(f"fillmask_ls.mlm.{name}" if name else "fillmask_ls.mlm")
    tests = FINDER.find(module)
    for value in vars(module).values():  # the finder leaves out functions that a decorator of another module made
        if hasattr(value, "__wrapped__") and value.__module__ == module.__name__:
            tests += FINDER.find(value.__wrapped__, value.__name__, module=module)
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str, model: mlm.MaskedLM) -> None:
    for test in examples(name):
        test.globs.update(mlm=mlm, model=model, torch=torch)
        result = doctest.DocTestRunner(verbose=False).run(test)
        assert result.failed == 0, test.name


def test_public_functions_have_an_example() -> None:
    without = {"mask_all", "mask_80_10_10"}  # they take what other examples return
    for name in mlm.__all__:
        function = getattr(mlm, name)
        if not isinstance(function, type) and name not in without and not name.endswith("_stream"):
            assert ">>>" in (function.__doc__ or ""), name
