"""Sources in the form that tree-sitter parses: bytes whose offsets are indexes of the source."""

from __future__ import annotations


class _AsciiTranslation(dict[int, str]):
    """Translates each character to a single byte that grammars treat the same way."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        ascii_character = (
            character if code < 128 else "x" if character.isalnum() else " " if character.isspace() else "-"
        )
        self[code] = ascii_character
        return ascii_character


_TO_ASCII = _AsciiTranslation()


def to_ascii(source: str) -> bytes:
    """Return one byte for each character of a source.

    >>> to_ascii("Größe")
    b'Grxxe'
    """
    return source.translate(_TO_ASCII).encode()
