"""Values derived from the fields of a result."""

from __future__ import annotations

from dataclasses import replace

from fillmask_ls.mlm.results import InspectedToken


def test_surprisal_of_a_token_is_in_bits() -> None:
    token = InspectedToken(5, "a", (0, 1), False, "a", 0.125, 3)
    assert token.surprisal == 3
    assert replace(token, probability=1.0).surprisal == 0
    assert replace(token, probability=0.0).surprisal == float("inf")
    assert replace(token, probability=None).surprisal is None
