"""What every page of the site has: its place in the tree, its navigation, and which scripts may run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

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
    scripts: Sequence[str] = (),
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
    scripts
        Names of what the one script that the page runs is made of; without any none can run.
    """
    text = Markup("\n").join(map(read_script, scripts))
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
