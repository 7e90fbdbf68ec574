"""A completion at the wire of a running server, against transformers' fill-mask pipeline called in process."""

from __future__ import annotations

import pytest

from benchmarks.pairs import compare, medians, timed
from fillmask_ls.mlm.checkpoint import EMBEDDED, resolve
from fillmask_ls.mlm.tokenization import load_tokenizer
from wire import Wire

SHORT = "Paris is the capital of [MASK]."
LONG = (
    "After Abraham Lincoln won the November 1860 presidential [MASK] on an anti-slavery platform, an initial seven "
    "slave states declared their secession from the country to form the Confederacy. War broke out in April 1861 when "
    "secessionist forces attacked Fort Sumter in South Carolina, just over a month after Lincoln's inauguration."
)


ROUNDS = 100


def variants(text: str) -> list[str]:
    """``text`` with another first word of one token each: what was asked before is remembered."""
    words = [token for token in load_tokenizer(resolve("embedded")).vocabulary if token.isalpha() and len(token) == 6]
    first, _, rest = text.partition(" ")
    return [f"{word.capitalize()} {rest}" for word in words[: ROUNDS + 20] if word != first]


# On 62 tokens the goal is 0.6. On 9 there is less arithmetic to save and the process hops weigh more: 0.8 is a guard.
@pytest.mark.parametrize(("text", "reach"), [(SHORT, 0.8), (LONG, 0.6)], ids=["9 tokens", "62 tokens"])
def test_completion_at_the_wire_against_the_pipeline(text: str, reach: float) -> None:
    from transformers import pipeline

    peer = pipeline("fill-mask", str(EMBEDDED), top_k=10)
    with Wire() as wire:
        wire.initialize()

        def complete(text: str) -> float:
            wire.open(text)
            return timed(lambda: wire.complete(0, text.index("]") + 1))()

        mine, theirs = iter(variants(text)), iter(variants(text))
        ratio = compare(
            f"completion, {text[:20]}...",
            lambda: complete(next(mine)),
            timed(lambda: peer(next(theirs))),
            rounds=ROUNDS,
            warm_up=10,
        )
    assert ratio <= reach


def test_the_same_completion_again() -> None:
    texts = iter(variants(LONG))
    cursor = next(texts).index("]") + 1
    with Wire() as wire:
        wire.initialize()
        again = timed(lambda: wire.complete(0, cursor))

        def first() -> float:
            wire.open(next(texts))
            return again()

        first()
        repeated, fresh = medians(again, first, rounds=ROUNDS)
    print(f"\nthe same completion again: {repeated:.2f} ms, the first time {fresh:.1f} ms ({ROUNDS} pairs)")
    assert repeated <= 2
