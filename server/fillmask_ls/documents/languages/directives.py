"""Tables of the directives of docutils, Sphinx and MyST. Any other directive has prose after its argument."""

from __future__ import annotations

# The content is code, data or names.
NOT_PROSE = frozenset(
    [
        "autosummary",
        "bibliography",
        "blockdiag",
        "code",
        "code-block",
        "cssclass",
        "csv-filter",
        "datatemplate",
        "default-role",
        "digraph",
        "doctest",
        "drawio",
        "exec",
        "executable-code",
        "gallery",
        "graph",
        "graphviz",
        "highlight",
        "highlightlang",
        "image",
        "include",
        "inheritance-diagram",
        "ipython",
        "ipywidgets",
        "jupyter-execute",
        "jupyter-input",
        "jupyter-output",
        "kernel",
        "literalinclude",
        "math",
        "mermaid",
        "meta",
        "parsed-literal",
        "plantuml",
        "plot",
        "productionlist",
        "program-output",
        "prompt",
        "raw",
        "role",
        "sectnum",
        "seqdiag",
        "sourcecode",
        "tabularcolumns",
        "target-notes",
        "testcleanup",
        "testcode",
        "testoutput",
        "testsetup",
        "thebe-button",
        "toctree",
        "unicode",
        "uml",
        "youtube",
    ]
)

# The argument is prose: a title, or the first line of the content.
PROSE_ARGUMENT = frozenset(
    [
        "admonition",
        "attention",
        "card",
        "caution",
        "centered",
        "danger",
        "dropdown",
        "error",
        "grid-item-card",
        "hint",
        "important",
        "list-table",
        "note",
        "pull-quote",
        "replace",
        "rubric",
        "seealso",
        "sidebar",
        "spoiler",
        "tab",
        "tab-item",
        "table",
        "tip",
        "todo",
        "topic",
        "warning",
    ]
)

# The argument starts with a version, and prose can follow.
VERSION_ARGUMENT = frozenset(["deprecated", "versionadded", "versionchanged", "versionremoved"])

# Directives without a prose argument whose content is prose, where a name could also be a programming language's.
PROSE_CONTENT = frozenset(
    [
        "aside",
        "confval",
        "container",
        "details",
        "div",
        "epigraph",
        "exercise",
        "figure",
        "glossary",
        "grid",
        "grid-item",
        "highlights",
        "margin",
        "only",
        "option",
        "proof",
        "solution",
        "tab-set",
        "theorem",
        "toggle",
    ]
)
