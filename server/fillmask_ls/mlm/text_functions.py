"""Functions of one text that also take many: the shape that all functions of this library share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from .batching import run_many
from .forward_steps import MAX_TOKENS_PER_STEP, ForwardSteps
from .model import LoadedModel
from .records import Results

P = ParamSpec("P")
R = TypeVar("R")


class TextFunction(Protocol[P, R]):
    """A function of one text or many, in the shape that :func:`over_texts` makes.

    With one ``str`` it returns one result, with any other iterable of strings a :class:`Results` with one for each.

    Attributes:
        steps: the work for one text, as a generator of forward steps.
        stream: yields the results of an iterable of texts, in order, as soon as they are known; also of an endless one.
    """

    steps: Callable[Concatenate[LoadedModel, str, P], ForwardSteps[R]]
    stream: Callable[..., Iterator[R]]

    @overload  # a str is an iterable of str too: the first match counts
    def __call__(  # type: ignore[overload-overlap]
        self, model: LoadedModel, texts: str, /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...

    @overload
    def __call__(self, model: LoadedModel, texts: Iterable[str], /, *args: Any, **kwargs: Any) -> Results[R]: ...

    @overload
    def __get__(self, instance: None, owner: object) -> TextFunction[P, R]: ...

    @overload
    def __get__(self, instance: LoadedModel, owner: object) -> TextMethod[P, R]: ...


class TextMethod(Protocol[P, R]):
    """A :class:`TextFunction` as a method of its model."""

    @overload
    def __call__(self, texts: str, /, *args: P.args, **kwargs: P.kwargs) -> R: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, texts: Iterable[str], /, *args: Any, **kwargs: Any) -> Results[R]: ...


def over_texts(
    *per_text: str,
) -> Callable[[Callable[Concatenate[LoadedModel, str, P], ForwardSteps[R]]], TextFunction[P, R]]:
    """Turn a function that returns the forward steps for one text into one that runs them for one text or many.

    The new function has two more arguments. ``batch_tokens``: the most tokens in a forward pass. ``progress``: whether
    to show a progress bar. With one text, nothing is shown.

    Args:
        per_text: the names of arguments that belong to one text, such as its masks. With many texts they are an
            iterable with one value for each; None, a number, a mapping or a list of strings is for all texts.
    """

    def decorate(function: Callable[Concatenate[LoadedModel, str, P], ForwardSteps[R]]) -> TextFunction[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(
            model: LoadedModel,
            texts: Any,
            *args: Any,
            batch_tokens: int = MAX_TOKENS_PER_STEP,
            progress: bool = False,
            **kwargs: Any,
        ) -> Any:
            _check_model(model)
            if isinstance(texts, str):
                [result] = run_many(model, [function(model, texts, *args, **kwargs)], batch_tokens=batch_tokens)
                return result
            return Results(stream(model, texts, *args, batch_tokens=batch_tokens, progress=progress, **kwargs))

        def stream(
            model: LoadedModel,
            texts: Any,
            *args: Any,
            batch_tokens: int = MAX_TOKENS_PER_STEP,
            progress: bool = False,
            **kwargs: Any,
        ) -> Iterator[R]:
            _check_model(model)
            texts = check_texts(texts)  # now, not when the first result is asked for
            signature.bind(model, "", *args, **kwargs)
            generators = _begin_each(function, signature, per_text, model, texts, args, kwargs)
            results = run_many(model, generators, batch_tokens=batch_tokens)
            return _with_progress(results, texts) if progress else results

        stream.__name__ = f"{function.__name__}_stream"
        stream.__doc__ = (
            f"Yield the results of :func:`{function.__name__}` for an iterable of texts, in order; memory is bounded."
        )
        made = cast("Any", call)
        made.__signature__ = _public_signature(signature)
        made.steps = function
        made.stream = stream
        return cast("TextFunction[P, R]", made)

    return decorate


def _check_model(model: object) -> None:
    """Check the first argument, which people take for the text or for a model's name.

    Raises:
        TypeError: it is not a model.
    """
    if not isinstance(model, LoadedModel):
        raise TypeError(f"the first argument must be a model from mlm.load, not {type(model).__name__}")


def check_texts(texts: object) -> Iterable[str]:
    """Return an iterable of texts that raises where an item is not a ``str``.

    Raises:
        TypeError: ``texts`` is not an iterable of strings, or is a table or mapping.
    """
    if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
        raise TypeError(f"expected a str or an iterable of str, not {type(texts).__name__}")
    if hasattr(texts, "columns") or hasattr(texts, "column_names"):
        raise TypeError(
            f"expected a str or an iterable of str, not a table: pass a column, as in {_type(texts)}['text']"
        )
    return _CheckedTexts(texts)


class _CheckedTexts:
    """Texts whose types are checked as they are read."""

    def __init__(self, texts: Iterable[object]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[str]:
        for index, text in enumerate(self._texts):
            if not isinstance(text, str):
                raise TypeError(
                    f"expected a str or an iterable of str, but the item at index {index} is {_type(text)}: {text!r:.60}"
                )
            yield str(text)


def _type(value: object) -> str:
    return type(value).__name__


def _begin_each(
    function: Callable[..., ForwardSteps[R]],
    signature: inspect.Signature,
    per_text: Iterable[str],
    model: LoadedModel,
    texts: Iterable[str],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Iterator[ForwardSteps[R]]:
    bound = signature.bind(model, "", *args, **kwargs)
    arguments = dict(list(bound.arguments.items())[2:])
    own = {name: iter(arguments.pop(name)) for name in per_text if not _is_shared(arguments.get(name))}
    for index, text in enumerate(texts):
        values = {name: next(each, _MISSING) for name, each in own.items()}
        for name, value in values.items():
            if value is _MISSING:
                raise ValueError(f"{name!r} has {index} values, but there are more texts")
        yield _name_text(function(model, text, **arguments, **values), index)
    for name, each in own.items():
        if next(each, _MISSING) is not _MISSING:
            raise ValueError(f"{name!r} has more values than there are texts")


def _name_text(steps: ForwardSteps[R], index: int) -> ForwardSteps[R]:
    """Run the steps for a text; its errors begin with its index."""
    try:
        return (yield from steps)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"text at index {index}: {error}") from error


_MISSING = object()


def _is_shared(value: object) -> bool:
    """Return whether a value is for all texts, and not an iterable with one for each."""
    if value is None or isinstance(value, (str, Mapping, range)) or not isinstance(value, Iterable):
        return True
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(part, str) for part in value)


def _with_progress(results: Iterator[R], texts: Iterable[str]) -> Iterator[R]:
    from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]

    try:
        total = len(texts)  # type: ignore[arg-type]
    except TypeError:
        total = None
    return iter(tqdm(results, total=total, unit=" texts"))


def _public_signature(signature: inspect.Signature) -> inspect.Signature:
    model, text, *others = signature.parameters.values()
    more = [
        inspect.Parameter(
            "batch_tokens", inspect.Parameter.KEYWORD_ONLY, default=MAX_TOKENS_PER_STEP, annotation="int"
        ),
        inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=False, annotation="bool"),
    ]
    texts = text.replace(name="texts", annotation="str | Iterable[str]")
    return signature.replace(parameters=[model, texts, *others, *more])
