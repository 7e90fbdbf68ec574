"""Every architecture predicts, scores and masks alike, whatever its tokenizer and network."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.results import Metric
from tiny_checkpoints import LATIN, MULTILINGUAL, POSITIONS, TINY_CHECKPOINTS

pytestmark = pytest.mark.models

ModelOf = Callable[[str], mlm.MaskedLM]
CheckpointOf = Callable[[str], Path]

LITERALS = ["<s>", "</s>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[PAD]", "<bos>"]
METRICS: list[Metric] = ["within_word_l2r", "original", "whole_word"]

NAMES = list(TINY_CHECKPOINTS)
MULTILINGUAL_NAMES = [name for name in NAMES if TINY_CHECKPOINTS[name].sentences == MULTILINGUAL]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def tiny(name: str, model_of: ModelOf) -> mlm.MaskedLM:
    return model_of(name)


@pytest.fixture
def copied(name: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to change."""
    return Path(shutil.copytree(checkpoint_of(name), tmp_path / "checkpoint"))


def texts(model: mlm.MaskedLM, text: str, **options: Any) -> list[str]:
    return [word.text for word in mlm.predict(model, text, **options)[0].candidates]


def content(model: mlm.MaskedLM, text: str) -> list[int]:
    return model.tokenizer.encode(text).content(model.tokenizer.mask_id)


# Tokens.


@pytest.mark.parametrize("text", ["the {} sat.", "the cat{}sat.", "{}", "{0}{0}", "the [MASK] sat {} on."])
def test_only_documents_masks_become_special_tokens(tiny: mlm.MaskedLM, text: str) -> None:
    for literal in LITERALS:
        ids = tiny.tokenizer.encode(text.format(literal)).ids
        assert [ids[0], ids[-1]] == tiny.tokenizer.encode("").ids
        inside = [id for id in ids[1:-1] if tiny.tokenizer.vocabulary[id] in {*LITERALS, MASK}]
        assert inside == [tiny.tokenizer.mask_id] * text.count(MASK), literal


def test_mask_that_is_not_given_stays_text(tiny: mlm.MaskedLM) -> None:
    text = "the [MASK] sat on [MASK]"
    (prediction,) = mlm.predict(tiny, text, [(18, 24)])
    assert prediction.span == (18, 24)
    assert tiny.tokenizer.encode(text, [(18, 24)]).ids.count(tiny.tokenizer.mask_id) == 1


def test_offsets_of_masks_are_those_in_the_text(tiny: mlm.MaskedLM) -> None:
    text = "[MASK]  the[MASK][MASK] sat \n [MASK]"
    encoding = tiny.tokenizer.encode(text)
    spans = [encoding.offsets[i] for i, id in enumerate(encoding.ids) if id == tiny.tokenizer.mask_id]
    assert [text[start:end] for start, end in spans] == [MASK] * 4
    assert all(encoding.special[i] == (id in tiny.tokenizer.special_ids) for i, id in enumerate(encoding.ids))


# Candidates.


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("the cat [MASK] on the mat.", "sat"),
        ("a dog ([MASK] wolves) ran past.", "not"),
        ("they were play[MASK] in parks.", "ing"),
        ("Zoë boit du [MASK] à Orléans.", "café"),
        ("Zoë boit du café à [MASK].", "Orléans"),
    ],
)
def test_memorized_word_is_the_first_candidate(tiny: mlm.MaskedLM, text: str, word: str) -> None:
    best = mlm.predict(tiny, text)[0].candidates[0]
    assert best.text == tiny.tokenizer.normalize(word)
    assert best.probability > 0.3


def test_memorized_first_word_of_a_text_is_the_first_candidate(tiny: mlm.MaskedLM) -> None:
    best = mlm.predict(tiny, "[MASK] boit du café à Orléans.")[0].candidates[0]
    assert best.text == tiny.tokenizer.normalize("Zoë").capitalize()
    assert best.probability > 0.5


@pytest.mark.parametrize("name", MULTILINGUAL_NAMES)
def test_memorized_word_in_cyrillic_is_the_first_candidate(name: str, model_of: ModelOf) -> None:
    assert texts(model_of(name), "кошка [MASK] на ковре.")[0] == "спит"


@pytest.mark.parametrize("name", MULTILINGUAL_NAMES)
def test_memorized_word_in_chinese_is_the_first_candidate(name: str, model_of: ModelOf) -> None:
    by_character = "bert" in name and "欢" in model_of(name).tokenizer.encode("我们喜欢音乐。").tokens
    text, word = ("我们喜[MASK]音乐。", "欢") if by_character else ("我们[MASK]音乐。", "喜欢")
    assert texts(model_of(name), text)[0] == word


@pytest.mark.parametrize("text", ["the cat [MASK] on.", "play[MASK] in", "[MASK] boit", "([MASK]", "我们[MASK]"])
def test_candidates_are_words_without_marks(tiny: mlm.MaskedLM, text: str) -> None:
    words = texts(tiny, text, top_k=tiny.tokenizer.vocab_size, max_subwords=2)
    assert words
    for word in words:
        assert word == word.strip()
        assert word.isprintable()
        assert not set(word) & {"Ġ", "▁", "\ufffd"}
        assert "##" not in word
        assert any(character.isalnum() for character in word)
        assert word not in LITERALS


@pytest.mark.parametrize(
    ("text", "prefix", "word"),
    [
        ("the cat [MASK] on the mat.", "s", "sat"),
        ("Zoë boit du [MASK] à Orléans.", "CA", "CAFÉ"),
        ("[MASK] boit du café à Orléans.", "Z", "Zoë"),
        ("a dog ([MASK] wolves) ran past.", "n", "not"),
        ("they were play[MASK] in parks.", "i", "ing"),
    ],
)
def test_prefix_keeps_the_memorized_word(tiny: mlm.MaskedLM, text: str, prefix: str, word: str) -> None:
    words = mlm.predict(tiny, text, prefixes={0: prefix}, max_subwords=1)[0].candidates
    assert words[0].text == prefix + tiny.tokenizer.normalize(word)[len(prefix) :].replace("fé", "FÉ").replace(
        "fe", "FE"
    )
    assert words[0].probability > 0.5
    assert all(each.text.casefold().startswith(prefix.casefold()) for each in words)


def test_prefix_at_the_start_of_a_text_finds_words(tiny: mlm.MaskedLM) -> None:
    assert "mat" in texts(tiny, "[MASK] boit du café.", prefixes={0: "ma"})


def test_fill_changes_only_the_masks(tiny: mlm.MaskedLM) -> None:
    assert mlm.fill(tiny, "the cat [MASK] on the  mat.\n") == "the cat sat on the  mat.\n"


# Limits.


def test_long_text_is_read_in_windows(tiny: mlm.MaskedLM) -> None:
    assert tiny.tokenizer.max_length == POSITIONS
    predictions = mlm.predict(tiny, "the cat [MASK] on the mat. " * 30, top_k=1, max_subwords=1)
    assert [len(prediction.candidates) for prediction in predictions] == [1] * 30


@pytest.mark.parametrize("unit", ["(not ", "é", "我们", "</s>", "xyzxyz ", "😀"])
def test_windows_fit_the_limit(tiny: mlm.MaskedLM, unit: str) -> None:
    text = f"{unit * 60}{MASK}{unit * 60}{MASK} {unit * 60}"
    assert len(mlm.predict(tiny, text, top_k=1, max_subwords=1)) == 2
    assert all(
        len(tiny.tokenizer.encode(text[start:end]).ids) <= POSITIONS for start, end in tiny.tokenizer.windows(text)
    )


@pytest.mark.parametrize("claimed", [None, 10**30, "positions"])
def test_limit_is_the_networks_whatever_the_tokenizer_claims(
    name: str, copied: Path, claimed: int | str | None
) -> None:
    settings = json.loads((copied / "tokenizer_config.json").read_text())
    settings["model_max_length"] = TINY_CHECKPOINTS[name].positions if claimed == "positions" else claimed
    (copied / "tokenizer_config.json").write_text(json.dumps(settings))
    assert mlm.load(str(copied), dtype=torch.float32).tokenizer.max_length == POSITIONS


# Scores, compared with transformers' network.


@pytest.fixture
def network(name: str, checkpoint_of: CheckpointOf) -> Any:
    return AutoModelForMaskedLM.from_pretrained(checkpoint_of(name), dtype=torch.float32).eval()


@pytest.mark.parametrize("metric", METRICS)
def test_score_is_what_the_network_predicts_at_each_masked_token(
    tiny: mlm.MaskedLM, network: Any, metric: Metric
) -> None:
    text = "they were playing in parks (not mats)."
    encoding = tiny.tokenizer.encode(text)
    playing = [i for i in content(tiny, text) if text[slice(*encoding.offsets[i])].strip() in {"play", "ing"}]
    assert len(playing) == 2
    scored = dict(zip(content(tiny, text), mlm.score(tiny, [text], metric=metric)[0].tokens, strict=True))
    for i in content(tiny, text):
        word = playing if i in playing else [i]
        if i not in playing and text[slice(*encoding.offsets[i])].strip() in "(not mats).":
            continue
        masked = {"original": [i], "within_word_l2r": [j for j in word if j >= i], "whole_word": word}[metric]
        ids = torch.tensor([encoding.ids])
        ids[0, masked] = tiny.tokenizer.mask_id
        with torch.inference_mode():
            logits = network(input_ids=ids).logits[0, i]
        assert scored[i].log_likelihood == pytest.approx(float(logits.log_softmax(-1)[encoding.ids[i]]), abs=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_texts_scored_together_score_as_alone(tiny: mlm.MaskedLM, metric: Metric) -> None:
    sentences = [*LATIN, "", "the [MASK].", "a  cat \n sat", "the cat sat on the mat. " * 20]
    together = mlm.score(tiny, sentences, metric=metric)
    for text, scored in zip(sentences, together, strict=True):
        (alone,) = mlm.score(tiny, [text], metric=metric)
        assert [token.span for token in scored.tokens] == [token.span for token in alone.tokens]
        likelihoods = [token.log_likelihood for token in scored.tokens]
        assert likelihoods == pytest.approx([token.log_likelihood for token in alone.tokens], abs=1e-4)
        assert all(-100 < likelihood <= 0 for likelihood in likelihoods)


def test_memorized_sentence_is_likelier(tiny: mlm.MaskedLM) -> None:
    learned, shuffled = mlm.score(tiny, ["the cat sat on the mat.", "on mat the sat the cat."])
    assert learned.perplexity < 2 < shuffled.perplexity
    assert [word.text for word in learned.words] == ["the", "cat", "sat", "on", "the", "mat"]


def test_padded_rows_have_the_networks_logits(tiny: mlm.MaskedLM, network: Any) -> None:
    rows = [tiny.tokenizer.encode(text).ids for text in (LATIN[0], "the", LATIN[1] * 3, "")]
    positions = [list(range(len(row))) for row in rows]
    together = torch.split(tiny.logits(rows, positions), [len(row) for row in rows])
    for row, logits in zip(rows, together, strict=True):
        with torch.inference_mode():
            theirs = network(input_ids=torch.tensor([row])).logits[0]
        torch.testing.assert_close(logits, theirs, atol=1e-4, rtol=0)


# Masking and inspection.


@pytest.mark.parametrize("whole_words", [False, True])
def test_text_is_inspected_in_windows(tiny: mlm.MaskedLM, whole_words: bool) -> None:
    text = "the cat  sat [MASK] (not mats). " * 12
    report = mlm.inspect(tiny, text, rate=0.5, whole_words=whole_words)
    assert (report.layers, report.hidden_size) == (2, 32)
    assert report.loss > 0
    assert report.masked_loss
    around = {tiny.tokenizer.encode("").ids[0], tiny.tokenizer.encode("").ids[-1]}
    assert all((token.span == (0, 0)) == (token.id in around) for token in report.tokens[1:])
    spans = [token.span for token in report.tokens if token.id not in around]
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(spans))
    assert [text[slice(*token.span)] for token in report.tokens if token.probability is None] == [MASK] * 12


def test_subwords_of_a_word_are_masked_together(tiny: mlm.MaskedLM) -> None:
    text = "they were playing in parks."
    encoding = tiny.tokenizer.encode(text)
    pieces = [i for i in content(tiny, text) if text[slice(*encoding.offsets[i])].strip() in {"play", "ing"}]
    generator = torch.Generator().manual_seed(0)
    drawn = [mlm.sample_mask(encoding, 0.5, generator=generator, whole_words=text) for _ in range(50)]
    assert {tuple(chosen[pieces].tolist()) for chosen in drawn} == {(False, False), (True, True)}


def test_random_replacements_are_no_special_tokens(tiny: mlm.MaskedLM) -> None:
    encoding = tiny.tokenizer.encode(LATIN[0])
    ids = torch.tensor([encoding.ids]).repeat(1000, 1)
    chosen = ~torch.tensor([encoding.special]).repeat(1000, 1)
    corrupted, labels = mlm.mask_80_10_10(ids, chosen, tiny.tokenizer, generator=torch.Generator().manual_seed(0))
    replaced = corrupted[(corrupted != ids) & (corrupted != tiny.tokenizer.mask_id)].tolist()
    assert replaced
    assert not {tiny.tokenizer.vocabulary[id] for id in replaced} & {*LITERALS, MASK}
    assert torch.isfinite(mlm.cross_entropy(mlm.forward(tiny, corrupted).logits, labels))


# Other files.


def split_tokenizer_file(folder: Path) -> None:
    """Replace tokenizer.json by the files that checkpoints had before it."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").unlink()
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    if tokenizer["model"]["type"] == "WordPiece":
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary))
    else:
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        merges = "".join(f"{' '.join(merge)}\n" for merge in tokenizer["model"]["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}")


@pytest.mark.parametrize("name", ["bert-cased", "distilbert-uncased", "roberta"])
def test_slow_tokenizer_files_are_converted(name: str, model_of: ModelOf, copied: Path) -> None:
    split_tokenizer_file(copied)
    converted = mlm.load(str(copied), dtype=torch.float32)
    for text in ("Zoë boit du [MASK] à Orléans.", "they were play[MASK] in parks.", "[MASK]</s>[SEP] <mask>"):
        assert converted.tokenizer.encode(text) == model_of(name).tokenizer.encode(text)
        assert texts(converted, text) == texts(model_of(name), text)


@pytest.mark.parametrize("name", ["roberta"])
def test_slow_tokenizer_files_of_another_architecture_are_refused(copied: Path) -> None:
    (copied / "tokenizer.json").unlink()
    (copied / "vocab.txt").write_text("<s>\n<pad>\n</s>\n<unk>\n<mask>\nthe\n")
    with pytest.raises(mlm.CheckpointError, match="its tokenizer can't be used"):
        mlm.load(str(copied))


@pytest.mark.parametrize("name", ["bert-cased"])
def test_vocabulary_with_a_repeated_token_is_loaded(copied: Path) -> None:
    split_tokenizer_file(copied)
    tokens = (copied / "vocab.txt").read_text().splitlines()
    tokens[1] = "the"
    last = tokens[-1].removeprefix("##")
    (copied / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    twice = mlm.load(str(copied), dtype=torch.float32)
    assert twice.tokenizer.encode(f"[MASK] e{last}").ids.count(twice.tokenizer.mask_id) == 1


@pytest.mark.parametrize("name", ["bert-cased"])
def test_bert_with_the_names_of_2018_is_loaded(name: str, model_of: ModelOf, copied: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): weight
        for name, weight in weights.items()
    }
    renamed["cls.seq_relationship.bias"] = torch.zeros(2)
    save_file(renamed, copied / "model.safetensors", {"format": "pt"})
    text = "the cat [MASK] on the mat."
    assert mlm.predict(mlm.load(str(copied), dtype=torch.float32), text) == mlm.predict(model_of(name), text)
