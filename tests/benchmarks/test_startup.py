"""Time from the start of the process to the first response and to the first completion."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.paired_runs import compare, timed
from wire import Wire

BARE_SCRIPT = """
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModelForMaskedLM.from_pretrained({folder!r})
inputs = tokenizer("Paris is the capital of [MASK].", return_tensors="pt")
with torch.no_grad():
    logits = model(**inputs).logits
print(tokenizer.convert_ids_to_tokens(logits[0, 6].topk(10).indices))
"""


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_initialize_takes_at_most_twice_the_import_of_pygls() -> None:
    def ours() -> float:
        with Wire() as wire:
            wire.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
            return time.perf_counter() - wire.started

    assert compare("initialize", ours, timed(lambda: python("import pygls.lsp.server")), rounds=15) <= 2


def test_first_completion_is_close_to_that_of_a_bare_script(exported: Path) -> None:
    script = BARE_SCRIPT.format(folder=str(exported))

    def ours() -> float:
        with Wire() as wire:
            wire.initialize()
            wire.open("Paris is the capital of [MASK].")
            assert wire.complete(0, 30)["items"]
            return time.perf_counter() - wire.started

    assert compare("first completion", ours, timed(lambda: python(script)), rounds=7) <= 1.25
