"""Weights that are stored in 8 bits, and the export that transformers opens."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fillmask_ls import mlm
from fillmask_ls.mlm.checkpoint import resolve, weight_files
from fillmask_ls.mlm.export import export
from fillmask_ls.mlm.stored_weights import StoredWeights, quantize, quantized

TEXT = "The patient was taken to the [MASK] by ambulance."


@pytest.fixture
def stored(bert_folder: Path, tmp_path: Path) -> Path:
    """The tiny BERT, stored in 8 bits."""
    folder = Path(shutil.copytree(bert_folder, tmp_path / "stored"))
    with ExitStack() as files:
        weights = dict(StoredWeights(weight_files(bert_folder, "it"), files).items())
    save_file(quantized(weights, min_size=1), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_integers_and_scales_are_close_to_the_weights() -> None:
    torch.manual_seed(0)
    weight = torch.randn(50, 70) * torch.logspace(-2, 3, 50)[:, None]
    weight[7] = 0
    integers, scales = quantize(weight)
    assert integers.dtype == torch.int8
    assert scales.dtype == torch.float16
    error = (integers * scales.float()[:, None] - weight).abs().amax(1)
    assert (error <= weight.abs().amax(1) / 250 + 2**-24).all()


def test_weights_in_8_bits_have_the_names_and_shapes_of_plain_ones(bert_folder: Path, stored: Path) -> None:
    with ExitStack() as files:
        ours, theirs = (StoredWeights(weight_files(folder, "it"), files) for folder in (stored, bert_folder))
        assert ours.are_quantized
        assert not theirs.are_quantized
        assert sorted(ours.names) == sorted(theirs.names)
        assert {name: ours.shape(name) for name in ours.names} == {name: theirs.shape(name) for name in theirs.names}
        for name, weight in ours.items():
            assert torch.allclose(weight.float(), theirs[name].float(), atol=0.01 * float(theirs[name].abs().max()))
    assert (stored / "model.safetensors").stat().st_size < 0.4 * (bert_folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_an_export_predicts_exactly_as_the_stored_model(stored: Path, tmp_path: Path, runtime: str) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    export(resolve(str(stored)), tmp_path / "new" / "exported")
    ours, theirs = (
        mlm.load(folder, dtype="float32", runtime=runtime).predict(TEXT, max_subwords=1)[0].candidates
        for folder in (stored, tmp_path / "new" / "exported")
    )
    assert [(each.text, each.probability) for each in ours] == [(each.text, each.probability) for each in theirs]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["exported"]


def test_transformers_opens_an_export(stored: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    export(resolve(str(stored)), tmp_path / "exported")
    network, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "exported", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert {weight.dtype for weight in load_file(tmp_path / "exported/model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "exported/config.json").read_text())["dtype"] == "bfloat16"
    inputs = AutoTokenizer.from_pretrained(tmp_path / "exported")(TEXT, return_tensors="pt")
    model = mlm.load(stored, dtype="float32")
    [ids] = inputs.input_ids.tolist()
    at = ids.index(model.tokenizer.mask_id)
    expected = network.float()(**inputs).logits[0, at]
    assert torch.allclose(model.logits([ids], [[at]])[0], expected, atol=1e-5)


def test_an_export_writes_over_nothing(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not empty"):
        export(resolve(str(stored)), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
