"""The reference's raw material: the project's own SQL, modules and documents, and one hash over all of them."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from transforms.site.inputs import MacroFacts, TableFacts
from warehouse.lineage import reads_of_maker
from warehouse.models import BUILD_ONLY_SCHEMA, COMPUTE_KEY, SQL_FOLDER, Model, load_models, read_header
from warehouse.tables import MADE_IN_PYTHON

ROOT = SQL_FOLDER.parent
_RAW_WITHOUT_MODEL: Mapping[str, str] = {
    "raw.contract_list": "the list of contracts that the exchange publishes",
    "raw.fomc_page_meetings": "meetings on the Federal Reserve's page",
    "raw.fred_vintages": "first releases of macro series, as FRED keeps them",
    "raw.price_bars": "daily bars of funds",
    "raw.shiller_workbook": "the user's copy of Shiller's workbook",
    "raw.vix_option_quotes": "quotes of VIX options",
}
_STORED = "warehouse/stored_tables.py"


def list_documents() -> dict[str, str]:
    """Return the text of every document of the project by repository path."""
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {_path_of(path): path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def list_pictures() -> dict[str, str]:
    """Return the drawings of the documents, as text, by repository path."""
    paths = sorted((ROOT / "docs").rglob("*.svg"))
    return {_path_of(path): path.read_text(encoding="utf-8") for path in paths}


def title_of(path: str, text: str) -> str:
    """Return the first heading of a document, without its marks; its path where it has none."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "").strip() if found else path


def hash_reference(tables: Mapping[str, Sequence[tuple[str, str]]], documents: Mapping[str, str]) -> str:
    """Return a hash of everything the reference is written from: files of the project, and the published columns."""
    digest = hashlib.sha256()
    for path, text in sorted(documents.items()):
        digest.update(f"{path}\0{text}\0".encode())
    files = [*SQL_FOLDER.rglob("*.sql"), SQL_FOLDER / "columns.toml"]
    files += [
        path for path in (ROOT / "transforms" / "site").rglob("*") if path.suffix in (".py", ".j2", ".css", ".js")
    ]
    files += (ROOT / "transforms" / "page" / "templates").glob("*")
    files += [ROOT / "warehouse" / name for name in ("site.py", "lineage.py", "tables.py")] + [Path(__file__)]
    files += [ROOT / info.file for info in MADE_IN_PYTHON.values()]
    for file in sorted({file for file in files if file.is_file()}):
        digest.update(f"{_path_of(file)}\0".encode())
        digest.update(file.read_bytes())
    digest.update(repr(sorted(tables.items())).encode())
    return digest.hexdigest()


def describe_tables(tables: Mapping[str, Sequence[tuple[str, str]]]) -> list[TableFacts]:
    """Return what there is to say of every published table, and of those that only a build has.

    Parameters
    ----------
    tables
        (column, type) of the published tables.
    """
    models = load_models()
    # a view or table that the published file is too old for is left out
    made = [
        _describe_model(model, tables.get(name, ()))
        for name, model in models.items()
        if name in tables or model.schema == BUILD_ONLY_SCHEMA
    ]
    made += [_describe_made(name, tables[name]) for name in MADE_IN_PYTHON if name in tables]
    made += [
        TableFacts(name, what, "line of the file", _STORED, "python", (), text=_opening_of(_STORED), is_build_only=True)
        for name, what in _RAW_WITHOUT_MODEL.items()
    ]
    return sorted(made, key=lambda table: table.name)


def describe_macros() -> list[MacroFacts]:
    """Return the macros that are published with the tables, by name."""
    found = []
    for path in sorted((SQL_FOLDER / "macros").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        header = read_header(text, path)
        signature, gives, what, edge, example = (
            header.get(key, "") for key in ("macro", "gives", "what", "edge", "example")
        )
        found.append(MacroFacts(signature, gives, what, edge, example, _path_of(path), text))
    return found


def _describe_model(model: Model, columns: Sequence[tuple[str, str]]) -> TableFacts:
    compute = model.header.get(COMPUTE_KEY, "")
    return TableFacts(
        model.name,
        model.header["what"],
        model.header["grain"],
        f"sql/{model.schema}/{model.path.name}",
        "sql",
        columns,
        source=model.header["source"],
        edge=model.header["edge"],
        reads=sorted(model.reads),
        text=model.sql,
        compute=compute,
        compute_text=_docstring_of(compute) if compute else "",
        is_build_only=model.schema == BUILD_ONLY_SCHEMA,
    )


def _describe_made(name: str, columns: Sequence[tuple[str, str]]) -> TableFacts:
    info = MADE_IN_PYTHON[name]
    return TableFacts(
        name,
        info.what,
        info.grain,
        info.file,
        "python" if info.file.endswith(".py") else "data",
        columns,
        reads=sorted({*reads_of_maker(info.file)} - {name}),
        text=_opening_of(info.file),
    )


def _opening_of(file: str) -> str:
    """Return what a file says of itself: its docstring, or the comment it opens with."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".py"):
        return ast.get_docstring(ast.parse(text)) or ""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def _docstring_of(function: str) -> str:
    """Return module path, and docstring, of ``package.module.function``, without importing it."""
    module, _, name = function.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return f"{file}: {name}\n\n{ast.get_docstring(node) or ''}".rstrip()
    return file


def _path_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
