"""``fillmask.ignoreWord``, ``fillmask.addToDictionary`` and ``fillmask.turnOffDiagnostics``: words that are never underlined."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..client import request_failed
from ..session import Session
from .arguments import Arguments


async def ignore_word(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Never underline a word again, in any document, until the server ends.

    Args:
        word: the word.

    Returns:
        ``{}``
    """
    session.dictionary.ignore(arguments.text("word"))
    return {}


async def add_to_dictionary(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Add a word to a dictionary, a file with one word per line: it is never underlined again.

    Args:
        word: the word.
        scope: ``user`` (the default) or ``workspace``, whose file is ``.fillmask/dictionary.txt``.

    Returns:
        ``{"file": …}``: the dictionary's path.
    """
    word, scope = arguments.text("word"), arguments.choice("scope", "user", ("user", "workspace"))
    if len(word.split()) != 1:
        raise request_failed("'word' must be a single word: a dictionary has one word per line.")
    add = partial(session.dictionary.add, word, to_workspace=scope == "workspace")
    try:
        file = await session.reader.run(add)
    except UnicodeEncodeError as error:
        raise request_failed("A dictionary can't contain half of a surrogate pair.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        raise request_failed(
            f"The dictionary can't be written: {getattr(error, 'strerror', None) or error}."
        ) from error
    session.dictionary.on_change()
    return {"file": str(file)}


async def turn_off_diagnostics(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Underline no words of a document until the server ends.

    Args:
        uri: the document.

    Returns:
        ``{}``
    """
    session.dictionary.turn_off(arguments.text("uri"))
    return {}
