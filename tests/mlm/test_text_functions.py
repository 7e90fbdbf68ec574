"""Functions take one text or many: types, batches, arguments of one text, streams."""

from __future__ import annotations

import itertools
import math
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import ForwardSteps, run_steps

TEXTS = [f"She drank a cup of {MASK} with milk.", "nothing", f"{MASK} is late. Where is {MASK} now?", f"The {MASK}"] * 2

FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "predict": (mlm.predict, {"top_k": 2}),
    "fill": (mlm.fill, {}),
    "fill_jointly": (mlm.fill_jointly, {"top_k": 2}),
    "score": (mlm.score, {}),
    "word_surprisals": (mlm.word_surprisals, {}),
    "inspect": (mlm.inspect, {"seed": 3}),
    "sample_mask_spans": (mlm.sample_mask_spans, {"rate": 0.5}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_texts_get_the_results_of_each_by_itself(tiny_bert: mlm.MaskedLM, name: str) -> None:
    function, options = FUNCTIONS[name]
    together = function(tiny_bert, TEXTS, **options)
    assert isinstance(together, mlm.Results)
    for one, text in zip(together, TEXTS, strict=True):
        assert_alike(one, function(tiny_bert, text, **options))
        assert_alike(one, getattr(tiny_bert, name)(text, **options))


def assert_alike(one: Any, other: Any) -> None:
    """Compare results; numbers differ by rounding between batches."""
    if isinstance(one, mlm.Result):
        one, other = one.to_dict(), other.to_dict()
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for part, counterpart in zip(one, other, strict=True):
            assert_alike(part, counterpart)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-4, rel=1e-3)
    else:
        assert one == other


@pytest.mark.parametrize("make", [list, tuple, iter, lambda texts: (text for text in texts)])
def test_any_iterable_of_strings_is_taken(tiny_bert: mlm.MaskedLM, make: Callable[[list[str]], Any]) -> None:
    assert [score.text for score in mlm.score(tiny_bert, make(TEXTS))] == TEXTS


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "expected a str or an iterable of str, not NoneType"),
        (b"bytes", "not bytes"),
        (3, "not int"),
        ({"text": "a"}, "not dict"),
        (["a", 3], "the item at index 1 is int: 3"),
        (["a", float("nan")], "the item at index 1 is float: nan"),
    ],
)
@pytest.mark.parametrize("name", ["predict", "score", "inspect"])
def test_a_wrong_type_is_named(tiny_bert: mlm.MaskedLM, texts: Any, message: str, name: str) -> None:
    with pytest.raises(TypeError, match=message):
        FUNCTIONS[name][0](tiny_bert, texts)


def test_a_table_is_refused_and_its_column_is_taken(tiny_bert: mlm.MaskedLM) -> None:
    class Column:
        def __iter__(self) -> Iterator[str]:
            return iter(TEXTS)

    class Table(Column):
        columns = ("text",)

    with pytest.raises(TypeError, match="pass a column"):
        mlm.score(tiny_bert, Table())
    assert len(mlm.score(tiny_bert, Column())) == len(TEXTS)


def test_arguments_of_one_text_come_one_for_each(model: mlm.MaskedLM) -> None:
    texts = [f"She drank a cup of {MASK} with milk.", f"He closed the {MASK} and turned the key."]
    shared = mlm.cloze(model, texts, ["tea", "door"])
    assert [[target.text for target in each] for each in shared] == [["tea", "door"]] * 2
    own = mlm.cloze(model, texts, [["tea"], ["door", "window"]])
    assert [[target.text for target in each] for each in own] == [["tea"], ["door", "window"]]
    column = mlm.cloze(model, texts, iter(["tea", "door"]))
    assert [each[0].text for each in column] == ["tea", "door"]
    assert column[1][0].log_likelihood == pytest.approx(shared[1][1].log_likelihood, abs=1e-4)


@pytest.mark.parametrize(("count", "message"), [(1, "there are more texts"), (3, "more values than there are texts")])
def test_too_few_or_too_many_of_them_are_refused(tiny_bert: mlm.MaskedLM, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mlm.word_surprisals(tiny_bert, ["a text", "a text"], spans=[[(0, 1)]] * count)


def test_a_wrong_argument_is_named(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(TypeError, match="topk"):
        mlm.predict(tiny_bert, TEXTS, topk=3)
    with pytest.raises(TypeError, match="topk"):
        mlm.predict_stream(tiny_bert, TEXTS, topk=3)  # at once, not at the first result


def test_no_texts_give_no_results(tiny_bert: mlm.MaskedLM) -> None:
    assert mlm.predict(tiny_bert, []) == mlm.score(tiny_bert, ()) == []


def test_a_stream_reads_an_endless_iterable_ahead_but_not_to_its_end(tiny_bert: mlm.MaskedLM) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):
            yield f"{taken} {MASK}"

    stream = tiny_bert.predict_stream(endless(), top_k=1, max_subwords=1, batch_tokens=64)
    found = list(itertools.islice(stream, 200))
    assert [each[0].span[0] for each in found] == [len(str(number)) + 1 for number in range(1, 201)]
    assert taken < 400


def test_a_stream_refuses_a_single_text(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(TypeError, match="not str"):
        mlm.score_stream(tiny_bert, "text")


def test_a_batch_holds_texts_of_similar_length_within_its_tokens(
    tiny_bert: mlm.MaskedLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[int]] = []
    compute = type(tiny_bert).logits

    def record(self: mlm.MaskedLM, rows: Any, *args: Any) -> Any:
        batches.append([len(row) for row in rows])
        return compute(self, rows, *args)

    monkeypatch.setattr(type(tiny_bert).__mro__[1], "logits", record)
    texts = [f"a {MASK}" if number % 2 else f"{'a ' * 30}{MASK}." for number in range(64)]
    mlm.predict(tiny_bert, texts, max_subwords=1, batch_tokens=256)
    assert all(len(batch) * max(batch) <= 256 for batch in batches)
    assert all(max(batch) - min(batch) <= 4 for batch in batches)
    assert len(batches) < 16


def test_functions_have_their_own_help(tiny_bert: mlm.MaskedLM) -> None:
    import inspect

    parameters = inspect.signature(mlm.predict).parameters
    assert list(parameters)[:3] == ["model", "texts", "masks"]
    assert {"batch_tokens", "progress"} <= set(parameters)
    assert "most probable words" in (mlm.predict.__doc__ or "")


def test_progress_is_shown_only_when_asked_for(tiny_bert: mlm.MaskedLM, capsys: pytest.CaptureFixture[str]) -> None:
    mlm.score(tiny_bert, TEXTS)
    assert capsys.readouterr().err == ""
    mlm.score(tiny_bert, TEXTS, progress=True)
    assert "8/8" in capsys.readouterr().err


def test_the_steps_of_a_function_run_in_an_engine_of_ones_own(tiny_bert: mlm.MaskedLM) -> None:
    steps: ForwardSteps[mlm.Score] = mlm.score.steps(tiny_bert, "A text.")
    assert_alike(run_steps(tiny_bert, steps), mlm.score(tiny_bert, "A text."))


def test_results_survive_a_pickle(tiny_bert: mlm.MaskedLM) -> None:
    results = mlm.predict(tiny_bert, TEXTS, top_k=2)
    assert pickle.loads(pickle.dumps(results)) == results
    assert pickle.loads(pickle.dumps(results)).to_records() == results.to_records()


@pytest.mark.parametrize("texts", ["", ["a", "b"]])
def test_a_batch_without_tokens_is_refused(tiny_bert: mlm.MaskedLM, texts: Any) -> None:
    with pytest.raises(ValueError, match="batch_tokens must be at least 1, not 0"):
        mlm.score(tiny_bert, texts, batch_tokens=0)


@pytest.mark.parametrize("masks", [[(7, 13), (0, 6)], [(0, 6), (0, 6)], [(0, 6), (3, 9)]])
def test_masks_out_of_order_are_refused(tiny_bert: mlm.MaskedLM, masks: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="in order and must not overlap"):
        mlm.predict(tiny_bert, f"{MASK} {MASK}", masks)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        ("predict", {"top_k": 2.5}, TypeError, "top_k must be a whole number, not 2.5"),
        ("substitutes", {"span": "hot"}, TypeError, "span must be the word's characters (start, end), not 'hot'"),
        ("predict", {"top_k": "3"}, TypeError, "top_k must be a whole number, not '3'"),
        ("predict", {"top_k": None}, TypeError, "top_k must be a whole number, not None"),
        ("predict", {"max_subwords": 2.5}, TypeError, "max_subwords must be a whole number, not 2.5"),
        ("predict", {"masks": [4]}, TypeError, "masks must be a list of spans (start, end), but it contains 4"),
        ("score", {"spans": (0, 3)}, TypeError, "spans must be a list of spans (start, end), but it contains 0"),
        ("score", {"base": "e"}, TypeError, "base must be a number such as 2 or math.e, not 'e'"),
        ("score", {"base": math.inf}, ValueError, "base must be above 1 and finite, not inf"),
        ("cloze", {"targets": ["tea"], "base": "e"}, TypeError, "base must be a number such as 2 or math.e, not 'e'"),
        ("word_surprisals", {"top_k": -1}, ValueError, "top_k must be at least 0, not -1"),
        ("fill_jointly", {"top_k": "3"}, TypeError, "top_k must be a whole number, not '3'"),
    ],
)
def test_a_wrong_argument_is_reported_in_words(
    tiny_bert: mlm.MaskedLM, function: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        getattr(mlm, function)(tiny_bert, f"{MASK} sat.", **arguments)


def test_forward_of_a_text_says_how_to_make_a_tensor(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(TypeError, match=r"input_ids must be a tensor, not str: model\.tokenizer\(text"):
        mlm.forward(tiny_bert, "text")  # type: ignore[arg-type]


def test_an_error_of_one_text_among_many_says_which(tiny_bert: mlm.MaskedLM) -> None:
    masks = [[(0, 6)], [(1, 7)]]
    with pytest.raises(ValueError, match=r"text at index 1: \(1, 7\) is not a mask"):
        mlm.predict(tiny_bert, [MASK, MASK], masks)
    with pytest.raises(TypeError, match="text at index 1: spans must be a list of spans"):
        mlm.score(tiny_bert, ["a", "b"], spans=[[(0, 1)], (0, 1)])


@pytest.mark.parametrize("function", [mlm.predict, mlm.predict_stream])
def test_a_name_in_the_place_of_the_model_is_a_type_error(function: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"the first argument must be a model from mlm.load, not str"):
        function("embedded", "a [MASK]")
