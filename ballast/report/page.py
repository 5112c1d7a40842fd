"""The page around the charts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent


def render(template: str, content: Mapping[str, Any], *, folder: Path) -> str:
    """Return a page.

    Parameters
    ----------
    template : file name in `folder`; it extends `base.html`
    content : what the template shows
    folder : where the template lies
    """
    loader = FileSystemLoader([folder, _FOLDER])
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.get_template(template).render(content)
