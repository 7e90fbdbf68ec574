"""``workspace/executeCommand``: what a menu, a palette or a script asks for by name.

Each command takes one object and answers with one, of JSON's types only.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.engine.api import InspectQuestion, ScoreQuestion
from fillmask_ls.presentation import html as page
from fillmask_ls.spans import Span

from . import acting, client, rewriting
from .edits import Replacements

if TYPE_CHECKING:
    from .server import FillmaskServer

Answer = dict[str, Any]
Command = Callable[["FillmaskServer", "Arguments"], Awaitable[Answer]]


class Arguments:
    """A command's object, checked value by value.

    Every method raises ``JsonRpcInvalidParams`` with the value's name where it is missing or of the wrong type.
    """

    def __init__(self, server: FillmaskServer, arguments: tuple[Any, ...]) -> None:
        values = arguments[0] if arguments else {}
        if len(arguments) > 1 or not isinstance(values, dict):
            raise JsonRpcInvalidParams("a command takes one object")
        self._server = server
        self._values = values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise JsonRpcInvalidParams(f"{name!r} must be a text")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self._values.get(name, default)
        if value not in allowed:
            raise JsonRpcInvalidParams(f"{name!r} must be one of {', '.join(allowed)}")
        return str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise JsonRpcInvalidParams(f"{name!r} must be true or false")
        return value

    def rate(self) -> float:
        value = self._values.get("rate", 0.15)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise JsonRpcInvalidParams("'rate' must be a number from 0 to 1")
        return float(value)

    def seed(self) -> int:
        value = self._values.get("seed")
        if value is None:
            return secrets.randbelow(2**31)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise JsonRpcInvalidParams("'seed' must be a whole number, 0 or more")
        return value

    def has(self, name: str) -> bool:
        return name in self._values

    def document(self) -> TextDocument:
        found = self._server.protocol.documents.get(self.text("uri"))
        if found is None:
            raise JsonRpcInvalidParams("'uri' must name a document that is open")
        return found

    def position(self, document: TextDocument) -> int:
        return document.index(_position(self._values.get("position"), "position"))

    def span(self, document: TextDocument) -> Span:
        """The characters of ``range``; by default the whole document."""
        value = self._values.get("range")
        if value is None:
            return 0, len(document)
        if not isinstance(value, dict):
            raise JsonRpcInvalidParams("'range' must be an object with 'start' and 'end'")
        low, high = sorted(document.index(_position(value.get(end), f"range.{end}")) for end in ("start", "end"))
        return low, high


def _position(value: object, name: str) -> Position:
    if isinstance(value, dict):
        line, character = value.get("line"), value.get("character")
        if type(line) is int and type(character) is int:
            return Position(line, character)
    raise JsonRpcInvalidParams(f"{name!r} must be an object with 'line' and 'character'")


async def fill(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Put ``word``, or the best one, in the place of the mask at ``position`` of the document ``uri``."""
    document = arguments.document()
    target = masks.mask_at(document, arguments.position(document))
    if target is None:
        raise JsonRpcInvalidParams(f"there is no {MASK} at 'position'")
    at = target.start, target.end
    if arguments.has("word"):
        return await _apply(server, document, [(at, arguments.text("word"))])
    ranking, passage = await server.rank(document, target, lambda settings: settings.completion_top_k)
    words = ranking.predictions[passage.focus].candidates
    return await _apply(server, document, [(at, words[0].text)] if words else [])


async def fill_all(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Fill every mask in ``range`` of the document ``uri``, those of a passage together."""
    document = arguments.document()
    found = await server.unless_changed(document, rewriting.filled(server, document, arguments.span(document)))
    return await _apply(server, document, found)


async def mask_randomly(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Hide a share (``rate``) of the words, or of their pieces (``wholeWords`` false), in ``range`` of ``uri``."""
    document, seed = arguments.document(), arguments.seed()
    work = rewriting.masked(
        server,
        document,
        arguments.span(document),
        rate=arguments.rate(),
        seed=seed,
        whole_words=arguments.flag("wholeWords", default=True),
    )
    return {"seed": seed, **await _apply(server, document, await server.unless_changed(document, work))}


async def unmask(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Put back the words that the masks in ``range`` of ``uri`` hide, where they are known."""
    document = arguments.document()
    return await _apply(server, document, rewriting.restored(document, arguments.span(document)))


async def score(server: FillmaskServer, arguments: Arguments) -> Answer:
    """The pseudo-log-likelihood of ``text``, or of ``range`` of the document ``uri``, and the surprisal of each word."""
    form = arguments.choice("form", "within_word_l2r", ("within_word_l2r", "original", "whole_word"))
    found = await server.engine.score(ScoreQuestion(_text(arguments), form))  # type: ignore[arg-type]  # one of the three
    return {
        "model": server.engine.model_for(ScoreQuestion),
        "pseudoLogLikelihood": found.pseudo_log_likelihood,
        "perplexity": found.perplexity,
        "tokens": len(found.tokens),
        "words": [{"text": word.text, "span": word.span, "surprisal": word.surprisal} for word in found.words],
    }


async def inspect(server: FillmaskServer, arguments: Arguments) -> Answer:
    """The masked-language-model walk over ``text``, or ``range`` of ``uri``, as ``format`` json, markdown or html."""
    form = arguments.choice("format", "json", ("json", "markdown", "html"))
    text = _text(arguments)
    found = await server.engine.inspect(
        InspectQuestion(text, arguments.rate(), arguments.seed(), arguments.flag("wholeWords", default=False))
    )
    if form == "json":
        return {**asdict(found), "perplexity": found.perplexity}
    shown = page.markdown if form == "markdown" else page.page
    return {"format": form, "content": await server.off_loop(lambda: shown(found, text))}


async def select_model(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Let ``model`` answer until the client changes its settings; answers when it is loaded, or what is wrong with it."""
    _in_trust(server)
    return await server.loading.select(arguments.text("model"))


async def download_model(server: FillmaskServer, arguments: Arguments) -> Answer:
    """Fetch ``model`` from the Hugging Face hub, with progress that can be cancelled; load it if the settings name it."""
    _in_trust(server)
    return await server.loading.download(arguments.text("model"))


async def status(server: FillmaskServer, _arguments: Arguments) -> Answer:
    """Which model answers, and what the server is doing."""
    return server.loading.status()


COMMANDS: dict[str, Command] = {
    "fillmask.fill": fill,
    "fillmask.fillAll": fill_all,
    "fillmask.maskRandomly": mask_randomly,
    "fillmask.unmask": unmask,
    "fillmask.score": score,
    "fillmask.inspect": inspect,
    "fillmask.downloadModel": download_model,
    "fillmask.selectModel": select_model,
    "fillmask.status": status,
}


def _in_trust(server: FillmaskServer) -> None:
    if not server.configuration.trusted:
        raise JsonRpcException(
            "a model can't be chosen while the workspace is not trusted", code=types.LSPErrorCodes.RequestFailed
        )


def _text(arguments: Arguments) -> str:
    if arguments.has("text"):
        return arguments.text("text")
    document = arguments.document()
    return document.slice(*arguments.span(document))


async def _apply(server: FillmaskServer, document: TextDocument, replacements: Replacements) -> Answer:
    """Ask the client to make the replacements, as one edit; say whether it did, and what they are."""
    if not client.applies_edits(server.client_capabilities):
        raise JsonRpcException(
            "the client makes no edits that a server asks for", code=types.LSPErrorCodes.RequestFailed
        )
    applied = True
    if replacements:
        edit = acting.edited(server, document, replacements)
        try:
            result = await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, label="fillmask"))
        except JsonRpcException as error:
            raise JsonRpcException(
                "the client did not make the edit", code=types.LSPErrorCodes.RequestFailed
            ) from error
        applied = result is not None and result.applied
    return {"applied": applied, "words": [word for _, word in replacements]}
