"""A completion at the wire of a running server, against transformers' fill-mask pipeline called in process."""

from __future__ import annotations

import pytest

from benchmarks.pairs import compare, timed
from fillmask_ls.mlm.checkpoint import EMBEDDED
from wire import Wire

SHORT = "Paris is the capital of [MASK]."
LONG = (
    "After Abraham Lincoln won the November 1860 presidential [MASK] on an anti-slavery platform, an initial seven "
    "slave states declared their secession from the country to form the Confederacy. War broke out in April 1861 when "
    "secessionist forces attacked Fort Sumter in South Carolina, just over a month after Lincoln's inauguration."
)


# On 62 tokens the goal is 0.6. On 9 there is less arithmetic to save and the process hops weigh more: 0.8 is a guard.
@pytest.mark.parametrize(("text", "reach"), [(SHORT, 0.8), (LONG, 0.6)], ids=["9 tokens", "62 tokens"])
def test_completion_at_the_wire_against_the_pipeline(text: str, reach: float) -> None:
    from transformers import pipeline

    peer = pipeline("fill-mask", str(EMBEDDED), top_k=10)
    with Wire() as wire:
        wire.initialize()
        wire.open(text)
        cursor = text.index("]") + 1
        assert wire.complete(0, cursor)["items"]
        ratio = compare(
            f"completion, {text[:20]}...",
            timed(lambda: wire.complete(0, cursor)),
            timed(lambda: peer(text)),
            rounds=100,
            warm_up=10,
        )
    assert ratio <= reach
