"""What every page of the site has: its place in the tree, its navigation, and which scripts may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.page.templating import html_templates
from transforms.site.embedding import hash_script, read_script

SIMULATED = "SIMULATED market: none of these numbers is a market price"


def render_page(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    place: str,
    up: str = "",
    is_simulated: bool = False,
    script: str = "",
) -> str:
    """Return a page of the site.

    Parameters
    ----------
    template, context
        Template of this package, and what it shows.
    title
        Of the window.
    place
        Which entry of the navigation the page is under: ``index``, ``compare``, ``checks`` or ``reference``.
    up
        The way from the page's folder to ``reports/``: empty, ``../`` or ``../../``.
    script
        Name of the one script that the page runs; without one none can run.
    """
    text = read_script(script) if script else ""
    return (
        html_templates("transforms.site")
        .get_template(template)
        .render(
            context,
            title=title,
            place=place,
            up=up,
            is_simulated=is_simulated,
            simulated=SIMULATED,
            script=text,
            script_source=hash_script(str(text)) if text else "",
        )
    )
