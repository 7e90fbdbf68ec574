"""An inspection as HTML: a page that loads nothing and runs no script, or a fragment for a notebook."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fillmask_ls.presentation.inspection_view import LEVELS, clip, inspection_view, visible
from fillmask_ls.presentation.percent import percent

if TYPE_CHECKING:
    from jinja2 import Environment

    from fillmask_ls.mlm.results import Inspection

_TEMPLATES = Path(__file__).parent / "templates"


def inspection_page(inspection: Inspection, text: str) -> str:
    """Return a complete HTML page: the text colored by surprisal, the predictions at its masks, and all figures.

    The page can be saved as UTF-8 whatever the text contains. It shows the beginning of a long text, and says so.

    Args:
        inspection: the result of :func:`fillmask_ls.mlm.inspect`.
        text: the text that was inspected.
    """
    style = _style()
    style_hash = b64encode(sha256(style.encode()).digest()).decode()
    return _render("page.html.j2", inspection, text, prefix="fillmask", style=style, style_hash=style_hash)


def inspection_fragment(inspection: Inspection, text: str) -> str:
    """Return the same as an element for another page, with its style sheet; ids are unique to the inspection."""
    digest = sha256(repr((inspection, text)).encode(errors="surrogatepass")).hexdigest()
    return _render("fragment.html.j2", inspection, text, prefix=f"fillmask-{digest[:12]}", style=_style())


def _render(template: str, inspection: Inspection, text: str, **variables: str) -> str:
    view = inspection_view(inspection, text)
    return _environment().get_template(template).render(view=view, levels=LEVELS, **variables)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here: the import takes a twentieth of a second

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=percent, clip=clip, thousands=lambda number: f"{number:,}")
    return environment


def _finalize(value: Any) -> Any:
    """Make each value that a template prints safe to save: Jinja escapes markup, not control characters."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) else value


@cache
def _style() -> str:
    return (_TEMPLATES / "inspection.css").read_text(encoding="utf-8")
