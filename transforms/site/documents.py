"""The project's Markdown as pages: headings that can be linked to, links that lead to pages of the site.

HTML inside Markdown is not taken over but printed as text, and images are not loaded but said: a page of the site
asks nothing of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from transforms.site.paths import page_of_document, page_of_file, page_of_table, relative, resolve, way_up
from transforms.site.shell import render_page

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def render_document(path: str, text: str, *, documents: Collection[str], tables: Collection[str]) -> str:
    """Return a Markdown file of the repository as a page.

    Parameters
    ----------
    path
        Its path in the repository.
    documents, tables
        Repository paths of all documents and drawings, and names of all tables, that have a page. A link to one of
        them leads there; a link to another file of the repository becomes its path in brackets.
    """
    page = page_of_document(path)
    tokens = _parser().parse(text)
    title = path
    slugs: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            inline = tokens[place + 1]
            words = _text_of(inline)
            token.attrSet("id", _unique(slugify(words), slugs))
            if token.tag == "h1" and title == path:
                title = words
        if token.type == "inline" and token.children:
            token.children = _rewrite_links(token.children, path, page, documents, tables)
    body = _parser().renderer.render(tokens, _parser().options, {})
    return render_page(
        "document.html.j2",
        {"body": Markup(body), "path": path},  # noqa: S704  rendered with HTML switched off
        title=title,
        place="reference",
        up=way_up(page),
    )


def slugify(heading: str) -> str:
    """Return the name that GitHub gives a heading: lower case, spaces as hyphens, no other punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # only where a page of the reference is written anew

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["html_inline", "html_block"])


def _text_of(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))


def _unique(slug: str, seen: dict[str, int]) -> str:
    count = seen.get(slug, 0)
    seen[slug] = count + 1
    return f"{slug}-{count}" if count else slug


def _rewrite_links(
    children: list[Token], document: str, page: str, documents: Collection[str], tables: Collection[str]
) -> list[Token]:
    from markdown_it.token import Token

    made: list[Token] = []
    unlinked: list[str] = []
    for token in children:
        if token.type == "image":
            # a page loads nothing: what the picture shows is said, and the link around it leads to it
            made.append(Token("text", "", 0, content=token.content))
            continue
        if token.type == "link_open":
            target = str(token.attrGet("href") or "")
            if _ABSOLUTE.match(target):
                token.attrSet("rel", "noreferrer noopener")
                unlinked.append("")
            elif target.startswith("#"):
                unlinked.append("")
            else:
                file, _, anchor = target.partition("#")
                path = resolve(document, file)
                found = page_of_file(path, documents, tables)
                if found is None:
                    unlinked.append(path)
                    continue
                # a model's or a dictionary's own anchor stands where the page is
                whole = found if "#" in found or not anchor else f"{found}#{anchor}"
                token.attrSet("href", relative(page, whole))
                unlinked.append("")
        elif token.type == "code_inline" and not unlinked:
            # the name of a table or of a model's file is as good as a link to it
            named = page_of_table(token.content) if token.content in tables else None
            found = named or page_of_file(token.content, documents, tables)
            if found is not None and found.partition("#")[0] != page:
                made.append(Token("link_open", "a", 1, attrs={"href": relative(page, found)}))
                made += [token, Token("link_close", "a", -1)]
                continue
        elif token.type == "link_close":
            path = unlinked.pop()
            if path:
                shown = "".join(child.content for child in made[-1:])
                if path != shown:
                    made.append(Token("text", "", 0, content=" ("))
                    made.append(Token("code_inline", "code", 0, content=path))
                    made.append(Token("text", "", 0, content=")"))
                continue
        made.append(token)
    return made
