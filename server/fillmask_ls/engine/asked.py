"""An engine's calls by the kind of question: for whoever passes questions on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from .query import (
    Engine,
    HiddenQuery,
    Inspection,
    InspectionQuery,
    JointFill,
    JointQuery,
    MaskingQuery,
    Query,
    Question,
    Ranking,
    ReplacementQuery,
    Score,
    ScoreQuery,
    Span,
    Surprise,
    SurpriseQuery,
    TargetQuery,
    Word,
)

CALLS: dict[type[Question], str] = {
    Query: "rank",
    JointQuery: "fill",
    HiddenQuery: "loss",
    ReplacementQuery: "replace",
    TargetQuery: "rank_targets",
    SurpriseQuery: "surprise",
    ScoreQuery: "score",
    MaskingQuery: "choose",
    InspectionQuery: "inspect",
}
"""The name of the engine's call that answers a kind of question."""


async def ask(engine: Engine, question: Question) -> Any:
    """The engine's answer to a question of any kind."""
    return await getattr(engine, CALLS[type(question)])(question)


class AskedEngine(ABC):
    """An :class:`~fillmask_ls.engine.query.Engine` that treats questions of all kinds alike."""

    @abstractmethod
    async def answer(self, question: Question) -> Any:
        """The answer to a question, of the type that its call in ``Engine`` has."""

    async def rank(self, query: Query) -> Ranking:
        return cast(Ranking, await self.answer(query))

    async def fill(self, query: JointQuery) -> list[JointFill]:
        return cast("list[JointFill]", await self.answer(query))

    async def loss(self, query: HiddenQuery) -> float:
        return cast(float, await self.answer(query))

    async def replace(self, query: ReplacementQuery) -> list[Word]:
        return cast("list[Word]", await self.answer(query))

    async def rank_targets(self, query: TargetQuery) -> list[Word]:
        return cast("list[Word]", await self.answer(query))

    async def surprise(self, query: SurpriseQuery) -> list[Surprise]:
        return cast("list[Surprise]", await self.answer(query))

    async def score(self, query: ScoreQuery) -> Score:
        return cast(Score, await self.answer(query))

    async def choose(self, query: MaskingQuery) -> list[Span]:
        return cast("list[Span]", await self.answer(query))

    async def inspect(self, query: InspectionQuery) -> Inspection:
        return cast(Inspection, await self.answer(query))
