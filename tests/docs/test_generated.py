"""Pages that are generated are what the code generates, and what they say can be found in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import flows.settings
from flows.configuration import GROUPS, OUTSIDE, render_configuration, variable_of
from tests.support.bench import Bench, land_archive
from tests.support.book import MARKET_BOOK
from tests.support.market import write_market
from tests.support.pages import DOCS, ROOT, read
from tests.support.recorded_reads import recorded_reads
from transforms.lineage import LineageNode, draw_lineage
from warehouse.lineage import WALK, render_lineage
from warehouse.models import load_models
from warehouse.tables import MADE_FROM, MADE_IN_PYTHON

SVG = "{http://www.w3.org/2000/svg}"


def test_configuration_in_docs_is_up_to_date() -> None:
    assert read(DOCS / "configuration.md") == render_configuration(), "run `make docs`"


def test_lineage_in_docs_is_up_to_date() -> None:
    page, picture = render_lineage()
    assert read(DOCS / "lineage.md") == page, "run `make docs`"
    assert (DOCS / "lineage.svg").read_text(encoding="utf-8") == picture, "run `make docs`"


def test_make_docs_writes_every_generated_page() -> None:
    target = read(ROOT / "Makefile").split("\ndocs:")[1].split("\n\n")[0]
    for module in ("warehouse.dictionary", "warehouse.lineage", "flows.configuration"):
        assert f"-m {module}" in target


# ---- configuration ----


def test_every_class_of_settings_is_in_the_reference() -> None:
    classes = {
        one
        for one in vars(flows.settings).values()
        if isinstance(one, type) and issubclass(one, flows.settings.BaseSettings)
    }
    assert classes - {flows.settings.BaseSettings} == set(GROUPS.values())


@pytest.mark.parametrize(
    ("settings", "name"), [(settings, name) for settings in GROUPS.values() for name in settings.model_fields]
)
def test_setting_has_a_row_with_its_meaning(settings: Any, name: str) -> None:
    field = settings.model_fields[name]
    assert field.description, "a field of the settings says what it is"
    (row,) = [line for line in render_configuration().splitlines() if f"| `{variable_of(settings, name)}` |" in line]
    assert field.description.split("<")[0] in row


@pytest.mark.parametrize(
    ("variable", "row"),
    [
        ("ALVH_KEEP_PUBLISHED", "whole number | `7` | at least 1 |"),
        ("ALVH_HTTP_ATTEMPTS", "whole number | `4` | at least 1, at most 10 |"),
        ("ALVH_HTTP_READ_TIMEOUT_SECONDS", "number | `60` | more than 0 |"),
        ("ALVH_HTTP_MIRROR_URL", "address | | |"),
        ("ALVH_FRED_API_KEY", "secret | | |"),
        ("ALVH_HOME", "path | | |"),
        ("ALVH_SOURCE", "text | | |"),
    ],
)
def test_row_states_type_default_and_bounds(variable: str, row: str) -> None:
    assert f"| `{variable}` | {row}" in render_configuration()


def test_every_variable_that_the_code_names_is_in_the_reference() -> None:
    def named_in(*folders: str) -> set[str]:
        files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
        return {name for path in files for name in re.findall(r"[\"'`](ALVH_[A-Z_]+[A-Z])[\"'`]", read(path))}

    known = {variable_of(settings, name) for settings in GROUPS.values() for name in settings.model_fields}
    assert named_in("flows", "transforms", "warehouse") - known - set(OUTSIDE) == set()
    assert set(OUTSIDE) <= named_in("flows", "tests"), "no code reads it any more"


# ---- lineage ----


def boxes() -> list[str]:
    tree = ElementTree.fromstring(render_lineage()[1])  # noqa: S314 - our own text
    return [text.text or "" for text in tree.iter(f"{SVG}text") if "head" not in text.attrib.get("class", "")]


def test_picture_has_every_table_once() -> None:
    drawn = [name for name, model in load_models().items() if model.schema in ("raw", "stg", "core", "mart")]
    drawn += [name for name in MADE_IN_PYTHON if name.startswith("mart.")]
    assert sorted(boxes()) == sorted([*(name.split(".")[1] for name in drawn), WALK])


def test_picture_has_a_name_a_description_and_both_lights() -> None:
    picture = render_lineage()[1]
    tree = ElementTree.fromstring(picture)  # noqa: S314 - our own text
    assert tree.attrib["role"] == "img"
    assert tree.findtext(f"{SVG}title")
    assert "lineage.md" in (tree.findtext(f"{SVG}desc") or "")
    assert "@media (prefers-color-scheme:dark)" in picture


def test_boxes_do_not_overlap_and_lie_inside() -> None:
    tree = ElementTree.fromstring(render_lineage()[1])  # noqa: S314 - our own text
    _, _, width, height = (float(part) for part in tree.attrib["viewBox"].split())
    found = [
        tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        for rect in tree.iter(f"{SVG}rect")
        if rect.attrib.get("class") != "ground"
    ]
    for index, (x, y, w, h) in enumerate(found):
        assert x >= 0
        assert x + w <= width
        assert y + h <= height
        assert all(x != other[0] or abs(y - other[1]) >= h for other in found[:index])


def test_page_lists_what_every_table_is_made_of_and_read_by() -> None:
    page = render_lineage()[0]
    rows = {line.split("[")[1].split("]")[0]: line.split(" | ") for line in page.splitlines() if line.startswith("| [")}
    for name, model in load_models().items():
        row = rows[name.removeprefix("main.")]
        assert set(re.findall(r"\[([\w.]+)\]", row[1])) == model.reads
        for source in model.reads:
            assert f"[{name.removeprefix('main.')}]" in rows[source][2]
    assert set(MADE_IN_PYTHON) <= set(rows)


def test_way_of_the_lines_is_from_left_to_right_with_few_crossings() -> None:
    nodes = [
        LineageNode("raw.a", "raw", 0, ()),
        LineageNode("raw.b", "raw", 0, ()),
        LineageNode("stg.z", "stg", 1, ("raw.a",)),
        LineageNode("stg.y", "stg", 1, ("raw.b", "stg.z", "ref.unknown")),
    ]
    picture = draw_lineage(nodes, {0: "raw", 1: "stg"}, "t", "a < b")
    assert picture.count('class="line') == 3
    # without any order of the columns, a-z and b-y would cross
    height = {name: picture.index(f">{name}</text>") for name in "abyz"}
    assert (height["a"] < height["b"]) == (height["z"] < height["y"])
    assert "a &lt; b" in picture


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """What the makers asked while a warehouse of the made-up market with a book was built."""
    folder = tmp_path_factory.mktemp("lineage")
    write_market(folder / "archive")
    bench = Bench(folder / "home")
    land_archive(bench, folder / "archive")
    bench.land("book", "book.toml", MARKET_BOOK, publisher="user")
    with recorded_reads() as heard:
        bench.build_file()
    yield heard
    bench.close()


@pytest.mark.parametrize("file", ["warehouse/calibrations.py", "warehouse/hedge.py", "warehouse/book.py"])
def test_makers_read_what_is_stated(heard: dict[str, set[str]], file: str) -> None:
    own = set(MADE_IN_PYTHON) - {"ref.parameters", "ref.sessions", "ref.stored_calibrations"}
    if file == "warehouse/hedge.py":
        own -= {"mart.weekly_calibrations"}  # made before, by another
    assert heard[file] - own == set(MADE_FROM[file])


def test_revisions_compare_the_tables_that_are_stated() -> None:
    from warehouse.revisions import _COMPARED

    assert {one.table for one in _COMPARED} == set(MADE_FROM["warehouse/revisions.py"])


def test_every_maker_with_stated_reads_makes_a_table() -> None:
    assert set(MADE_FROM) <= {info.file for info in MADE_IN_PYTHON.values()}
    assert all(Path(ROOT / file).exists() for file in MADE_FROM)
