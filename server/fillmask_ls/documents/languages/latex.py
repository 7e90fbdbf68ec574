"""LaTeX: the text without commands, citations, displayed formulas and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, Keyword, Name, Text

from . import Piece, Token, tokens

# What a lexer need not see: code, which keeps its lines, and formulas, which go on with their sentence.
_HIDDEN = re.compile(
    r"""\\begin\{(?P<code>(?:verbatim|Verbatim|lstlisting|minted|comment|filecontents|tikzpicture)\*?)\}.*?\\end\{(?P=code)\}
    | \\begin\{(?P<formula>(?:align|alignat|displaymath|eqnarray|equation|flalign|gather|math|multline)\*?)\}
      .*?\\end\{(?P=formula)\}
    | (?<!\\)(?:\\\[(?:(?!\n\s*\n).)*?\\\] | \$\$(?:(?!\n\s*\n).)*?\$\$)
    | (?<!\\)(?P<open>\$ | \\\()(?P<inline>(?:(?!\n\s*\n)(?:\\[^)]|[^$\\]))*)(?:\$ | \\\))
    | (?<!\\)(?P<verb>\\verb\*?(?P<bar>[^\w\s*{\\]))(?P<verbatim>[^\n]*?)(?P=bar)
    | (?<!\\)\$""",
    re.DOTALL | re.VERBOSE,
)
_SIMPLE = re.compile(r"[\w ,.+=<>()-]{1,12}\Z")
_WITH_COLUMNS = {"array", "longtable", "minipage", "multicols", "tabular", "wrapfigure"}
# How many of a command's arguments are for LaTeX and not for readers; none of the others' are.
_ARGUMENTS = {
    **dict.fromkeys((
        "addbibresource", "begin", "bibliography", "bibliographystyle", "color", "documentclass", "end",
        "graphicspath", "hspace", "hyperlink", "hypertarget", "href", "include", "includegraphics", "index",
        "input", "label", "pagestyle", "textcolor", "thispagestyle", "url", "usepackage", "usetikzlibrary",
        "vspace"
    ), 1),
    **dict.fromkeys((
        "addtocounter", "definecolor", "newcommand", "newenvironment", "newtheorem", "providecommand",
        "renewcommand", "rule", "setcounter", "setlength"
    ), 3),
}  # fmt: skip
_REFERENCE = re.compile(r"[a-zA-Z]*(?:cite[a-zA-Z]*|(?<!h)ref)\Z")
_HEADINGS = {"author", "caption", "chapter", "date", "paragraph", "part", "section", "subparagraph", "subsection",
             "subsubsection", "title"}  # fmt: skip
_BLOCKS = {"bigskip", "bottomrule", "centering", "clearpage", "hline", "item", "maketitle", "medskip", "midrule", "newpage",
           "noindent", "par", "smallskip", "tableofcontents", "toprule"}  # fmt: skip
_SYMBOLS = {
    **{f"\\{symbol}": symbol for symbol in "%&$#_{}"},
    **{f"\\{space}": " " for space in (" ", ",", ";", ":", "quad", "qquad", "newline", "\\")},
    "\\ldots": "…", "\\dots": "…", "\\LaTeX": "LaTeX", "\\TeX": "TeX", "\\BibTeX": "BibTeX", "\\-": "", "\\ss": "ß",
    "\\o": "ø", "\\O": "Ø", "\\ae": "æ", "\\oe": "œ", "\\aa": "å", "\\AA": "Å", "\\l": "ł", "\\i": "i", "\\j": "j",
    "\\textendash": "–", "\\textemdash": "—", "\\S": "§", "\\copyright": "©",
}  # fmt: skip
_TYPOGRAPHY = re.compile(r"---?|``|''|~")
_TYPED = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a LaTeX text; of formulas only simple ones inside a line are kept, accents are left out."""
    stream = list(tokens("tex", _HIDDEN.sub(_blank, text)))
    at = 0
    heading = False
    braces: list[bool] = []  # whether each one that is open holds a heading
    while at < len(stream):
        token = stream[at]
        at += 1
        if token.kind is Keyword:
            name = token.text[1:]
            at, first = _arguments(stream, at, 1 if _REFERENCE.match(name) else _ARGUMENTS.get(name, 0))
            if name in ("begin", "end"):
                at, _ = _arguments(stream, at, int(name == "begin" and first.rstrip("*") in _WITH_COLUMNS))
                yield token.gap()
            elif _REFERENCE.match(name) and name.endswith("ref"):
                yield token.piece("1")  # as good as any: a reader sees a number
            elif name.startswith("footnote"):
                yield token.piece(" ")
            elif token.text in _SYMBOLS:
                yield token.piece(_SYMBOLS[token.text])
            elif name == "item" and at < len(stream) and stream[at].kind is Name.Attribute:
                yield token.gap()
                yield stream[at].inside(1, 1)
                at += 1
            elif name.rstrip("*") in _HEADINGS or name in _BLOCKS:
                heading = name not in _BLOCKS
                yield token.gap()
        elif token.kind is Comment:
            yield token.piece(" ")
        elif token.text == "{":
            braces.append(heading)
            heading = False
        elif token.text == "&" or (token.text == "}" and braces and braces.pop()):
            yield token.gap()
        elif token.kind is Text:
            yield from _typeset(token)
        elif token.text in ("_", "^"):
            yield token.piece()


def _blank(found: re.Match[str]) -> str:
    written = found[0]
    if found["code"]:
        return re.sub(r"[^\n]", " ", written)
    if found["inline"] is not None:
        formula = found["inline"] if _SIMPLE.match(found["inline"]) else "x"  # as good as any
        return formula.rjust(len(written))
    if found["verb"]:
        return " " * len(found["verb"]) + found["verbatim"] + " "
    return " " * len(written)


def _arguments(stream: list[Token], at: int, count: int) -> tuple[int, str]:
    """Where ``count`` arguments from token ``at`` on end, and the text of the first."""
    first = ""
    while at < len(stream) and count > 0:
        token = stream[at]
        if token.kind is Name.Attribute or token.text in ("*", "["):
            at += 1
        elif token.text == "{":
            end = _closed(stream, at)
            first = first or "".join(token.text for token in stream[at + 1 : end - 1])
            at = end
            count -= 1
        else:
            break
    return at, first


def _closed(stream: list[Token], at: int) -> int:
    """Behind the brace that closes the one at token ``at``."""
    depth = 0
    for place in range(at, len(stream)):
        depth += (stream[place].text == "{") - (stream[place].text == "}")
        if depth == 0:
            return place + 1
    return len(stream)


def _typeset(token: Token) -> Iterator[Piece]:
    at = 0
    for found in _TYPOGRAPHY.finditer(token.text):
        yield token.inside(at, len(token.text) - found.start())
        yield Piece(token.start + found.start(), token.start + found.end(), _TYPED[found[0]])
        at = found.end()
    yield token.inside(at, 0)
