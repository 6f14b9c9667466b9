"""The reference: a page a table with every column, the SQL that makes it, what it reads and who reads it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from transforms.registry import ColumnInfo
from transforms.site.documents import slugify
from transforms.site.embedding import embed_json
from transforms.site.inputs import MacroFacts, TableFacts
from transforms.site.paths import page_of_document, page_of_table, relative, way_up
from transforms.site.shell import render_page
from transforms.site.sources import find_sources

SCHEMAS = {
    "main": "Short names of what is asked for most: views, nothing of their own.",
    "mart": "What reports and users read.",
    "core": "One clean row a fact: settlements, index levels, rates.",
    "ops": "Where the values come from, what was refused, what the checks found, how runs ended.",
    "ref": "What the build was told: calendar, rules, parameters, corrections.",
    "stg": "Every source line, typed and judged. For whoever wants to know why a line is not used.",
    "raw": "The stored files as lines. They exist while a warehouse is built, and are not published.",
}
_INDEX = "reference/index.html"


def render_reference(
    tables: Sequence[TableFacts],
    macros: Sequence[MacroFacts],
    columns: Mapping[str, ColumnInfo],
    documents: Mapping[str, str],
) -> dict[str, str]:
    """Return the reference's pages of tables, and its index, by path relative to ``reports/``.

    Parameters
    ----------
    columns
        The registry.
    documents
        Titles of the project's Markdown pages by repository path.
    """
    sources = find_sources(tables)
    readers: dict[str, list[str]] = {}
    for table in tables:
        for read in {*table.reads} - {table.name}:
            readers.setdefault(read, []).append(table.name)
    names = {table.name for table in tables}
    pages = {
        page_of_table(table.name): _render_table(
            table, columns, names, sorted(readers.get(table.name, [])), sources[table.name], documents
        )
        for table in tables
    }
    pages[_INDEX] = _render_index(tables, macros, documents)
    return pages


def describe_column(name: str, kind: str, info: ColumnInfo | None, file: str) -> dict[str, str]:
    """Return a column's entry: name, type, unit, meaning, formula, range, known, source; empty where it has none."""
    if info is None:
        empty = dict.fromkeys(("unit", "formula", "range", "known", "source"), "")
        return {"name": name, "type": kind, "meaning": f"see {file}", **empty}
    return {
        "name": name,
        "type": kind,
        "unit": info.unit,
        "meaning": info.meaning,
        "formula": info.formula,
        "range": _say_range(info),
        "known": _say_known(info),
        "source": info.source,
    }


def _render_table(
    table: TableFacts,
    columns: Mapping[str, ColumnInfo],
    names: Collection[str],
    readers: Sequence[str],
    sources: Sequence[str],
    documents: Mapping[str, str],
) -> str:
    page = page_of_table(table.name)
    context = {
        "table": table,
        "what": _sentence(table.what),
        "columns": [describe_column(name, kind, columns.get(name), table.file) for name, kind in table.columns],
        "reads": [_link(page, name, names) for name in table.reads],
        "readers": [_link(page, name, names) for name in readers],
        "sources": [
            {"title": documents.get(f"docs/data_sources/{name}.md", name), "href": f"sources/{name}.html"}
            for name in sources
        ],
        "methodology": relative(page, page_of_document("docs/methodology.md")),
    }
    return render_page("table.html.j2", context, title=table.name, place="reference", up=way_up(page))


def _render_index(tables: Sequence[TableFacts], macros: Sequence[MacroFacts], documents: Mapping[str, str]) -> str:
    order = list(SCHEMAS)
    ordered = sorted(tables, key=lambda table: (order.index(_schema(table)), table.name))
    groups = {schema: list(group) for schema, group in itertools.groupby(ordered, key=_schema)}
    schemas = [
        {
            "name": schema,
            "what": what,
            "tables": [
                {
                    "name": table.name,
                    "href": f"{table.name}.html",
                    # as the data dictionary's heading is called, so that links to it lead here
                    "anchor": slugify(table.name),
                    "what": _sentence(table.what),
                    "grain": table.grain,
                    "words": " ".join([table.name, table.what, *(name for name, _ in table.columns)]).lower(),
                    "columns": len(table.columns),
                }
                for table in groups.get(schema, ())
            ],
        }
        for schema, what in SCHEMAS.items()
    ]
    listed = [
        {"title": title, "href": relative(_INDEX, page_of_document(path)), "kind": _kind_of(path)}
        for path, title in sorted(documents.items(), key=lambda pair: (pair[0].count("/"), pair[0]))
    ]
    context = {
        "schemas": schemas,
        "macros": [{"anchor": slugify(macro.signature), "macro": macro} for macro in macros],
        "table_count": len(tables),
        "documents": [
            {"title": words, "entries": [entry for entry in listed if entry["kind"] == kind]}
            for kind, words in (("sources", "Sources"), ("docs", "Documents"), ("decisions", "Decisions"))
        ],
        "columns_data": embed_json([[table.name, name] for table in ordered for name, _ in table.columns]),
    }
    return render_page(
        "reference.html.j2", context, title="Reference", place="reference", up="../", scripts=("reference.js",)
    )


def _schema(table: TableFacts) -> str:
    return table.name.partition(".")[0]


def _kind_of(path: str) -> str:
    if path.startswith("docs/data_sources/"):
        return "sources"
    return "decisions" if path.startswith("docs/decisions/") else "docs"


def _link(page: str, name: str, names: Collection[str]) -> dict[str, str]:
    return {"name": name, "href": relative(page, page_of_table(name)) if name in names else ""}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _say_known(info: ColumnInfo) -> str:
    if not info.known:
        return ""
    when = "on the evening of the session" if info.known == "evening" else f"on {info.known}"
    return f"known {when}; {info.status} says why it is absent"


def _say_range(info: ColumnInfo) -> str:
    if info.allowed:
        return "one of " + ", ".join(info.allowed)
    if info.lowest is not None and info.highest is not None:
        return f"{info.lowest} to {info.highest}"
    if info.lowest is not None:
        return f"at least {info.lowest}"
    return f"at most {info.highest}" if info.highest is not None else ""
