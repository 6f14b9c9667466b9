"""The model runner: headers, what a model reads, and the order of building."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from transforms.errors import PipelineError
from warehouse import models


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def write_model(folder: Path, name: str, sql: str, **changes: str | None) -> None:
    header = {"model": name, "grain": "a", "reads": "", "what": "w", "source": "s", "edge": "e"} | changes
    schema, table = name.split(".")
    (folder / schema).mkdir(parents=True, exist_ok=True)
    lines = [f"-- {key}: {text}" for key, text in header.items() if text is not None]
    (folder / schema / f"{table}.sql").write_text("\n".join([*lines, sql]) + "\n")


def test_models_come_in_the_order_of_what_they_read(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "select * from core.b", reads="core.b")
    write_model(tmp_path, "core.b", "select * from stg.c", reads="stg.c, ref.given")
    write_model(tmp_path, "stg.c", "select 1 as a")
    assert list(models.load_models(tmp_path)) == ["stg.c", "core.b", "core.a"]


def test_models_in_a_circle_are_an_error_that_names_it(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "select * from core.b", reads="core.b")
    write_model(tmp_path, "core.b", "select * from core.a", reads="core.a")
    with pytest.raises(PipelineError, match="models read each other in a circle") as caught:
        models.load_models(tmp_path)
    assert "core.a" in str(caught.value.found)
    assert "core.b" in str(caught.value.found)


def test_model_that_reads_itself_is_a_circle(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "select * from core.a", reads="core.a")
    with pytest.raises(PipelineError, match="circle"):
        models.load_models(tmp_path)


@pytest.mark.parametrize("key", models.HEADER_KEYS)
def test_model_without_a_header_key_is_an_error(tmp_path: Path, key: str) -> None:
    write_model(tmp_path, "core.a", "select 1 as a", **{key: None})
    with pytest.raises(PipelineError, match="a model's header is not complete") as caught:
        models.load_models(tmp_path)
    assert caught.value.where == "sql/core/a.sql"


def test_model_under_another_name_is_an_error(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "select 1 as a", model="core.b")
    with pytest.raises(PipelineError, match="header is not complete") as caught:
        models.load_models(tmp_path)
    assert "'core.b'" in str(caught.value.found)


def test_sql_that_cannot_be_parsed_reads_nothing_silently(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(PipelineError, match="SQL cannot be parsed"):
        models.parse_reads("selec 1", connection)


def test_header_ends_at_the_first_other_line(tmp_path: Path) -> None:
    text = "-- model: core.a\n-- grain: a, b\nselect 1 -- what: not a header\n-- edge: neither\n"
    assert models.read_header(text, tmp_path) == {"model": "core.a", "grain": "a, b"}


def test_grain_is_a_list_of_columns(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "select 1 as a, 2 as b", grain="a,  b")
    assert models.load_models(tmp_path)["core.a"].grain == ("a", "b")


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select * from core.a", {"core.a"}),
        ("select * from core.a join stg.b using (x)", {"core.a", "stg.b"}),
        ("with c as (select * from core.a) select * from c", {"core.a"}),
        ("with recursive c as (select 1 union all select * from c join mart.m using (x)) from c", {"mart.m"}),
        ("select (select max(x) from core.a) from stg.b", {"core.a", "stg.b"}),
        ("select 1 where exists (select 1 from ops.o)", {"ops.o"}),
        ("select 1 where 1 in (select x from ref.r)", {"ref.r"}),
        ("select * from (select * from (select * from core.a))", {"core.a"}),
        ("select * from core.a union all select * from core.b", {"core.a", "core.b"}),
        ("from core.a as x asof join core.b as y on x.d >= y.d", {"core.a", "core.b"}),
        ("select * from core.a, lateral (select * from stg.b where b.x = a.x)", {"core.a", "stg.b"}),
        ("select 'core.a' as text", set()),
        ("select 1 -- from core.a", set()),
        ("select * from elsewhere.a", set()),
        ("select * from c", set()),
        ("select * from range(3)", set()),
    ],
)
def test_reads_are_found_wherever_a_table_is_named(
    connection: duckdb.DuckDBPyConnection, sql: str, reads: set[str]
) -> None:
    assert models.parse_reads(sql, connection) == reads


def test_model_that_cannot_be_built_names_itself(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    write_model(tmp_path, "core.a", "select nonsense from core.nothing")
    connection.execute("create schema core")
    with pytest.raises(PipelineError, match=r"the model core\.a cannot be built") as caught:
        models.build_models(connection, models.load_models(tmp_path).values(), {})
    assert caught.value.where == "a.sql"


def test_build_counts_rows_of_tables_and_makes_views_of_raw(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write_model(tmp_path, "raw.a", "select unnest([1, 2]) as a")
    write_model(tmp_path, "stg.b", "select * from raw.a", reads="raw.a")
    connection.execute("create schema raw; create schema stg")
    assert models.build_models(connection, models.load_models(tmp_path).values(), {}) == {"stg.b": 2}
    assert connection.execute("select view_name from duckdb_views() where schema_name = 'raw'").fetchall() == [("a",)]


REGISTRY = models.parse_columns(
    "".join(
        f'[{name}]\ntype = "{kind}"\nunit = "count"\nmeaning = "m"\nsource = "s"\n'
        for name, kind in (("day", "DATE"), ("level", "DOUBLE"), ("steps", "BIGINT"))
    )
)


def compute_with(monkeypatch: pytest.MonkeyPatch, function: Callable[[pd.DataFrame], pd.DataFrame]) -> str:
    from transforms import calendar

    monkeypatch.setattr(calendar, "compute_for_test", function, raising=False)
    return "transforms.calendar.compute_for_test"


def test_computed_model_is_the_frame_its_function_returns_with_the_registrys_types(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = compute_with(monkeypatch, lambda frame: frame.assign(steps=pd.Series([2.0, float("nan")]))[::-1])
    sql = "select * from (values (date '2026-01-02', 1.5), (date '2026-01-05', null)) as given (day, level)"
    write_model(tmp_path, "core.a", sql, grain="day", compute=compute)
    connection.execute("create schema core")
    assert models.build_models(connection, models.load_models(tmp_path).values(), REGISTRY) == {"core.a": 2}
    assert connection.execute("from core.a").fetchall() == [(date(2026, 1, 2), 1.5, 2), (date(2026, 1, 5), None, None)]
    types = connection.execute("select column_name, data_type from duckdb_columns() where table_name = 'a'").fetchall()
    assert types == [("day", "DATE"), ("level", "DOUBLE"), ("steps", "BIGINT")]


def test_sliced_model_is_computed_a_year_at_a_time(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []

    def count(frame: pd.DataFrame) -> pd.DataFrame:
        seen.append(frame["day"].dt.year.tolist())
        return frame.assign(steps=frame["level"] * 2)[::-1]

    days = "(date '2025-12-31', 1.0), (date '2024-02-29', 2.0), (date '2026-01-01', 3.0), (date '2024-01-01', 4.0)"
    sql = f"select * from (values {days}) as given (day, level) order by day"
    connection.execute("create schema core")
    for schema, more in (("all", {}), ("years", {"slice": "day"})):
        write_model(tmp_path / schema, "core.a", sql, grain="day", compute=compute_with(monkeypatch, count), **more)
        found = models.load_models(tmp_path / schema).values()
        assert models.build_models(connection, found, REGISTRY) == {"core.a": 4}
        connection.execute(f"alter table core.a rename to {schema}_of")
    assert seen == [[2024, 2024, 2025, 2026], [2024, 2024], [2025], [2026]]
    assert connection.execute("from core.all_of").fetchall() == connection.execute("from core.years_of").fetchall()


def test_sliced_model_without_rows_is_an_empty_table(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = compute_with(monkeypatch, lambda frame: frame.assign(steps=1.0))
    write_model(
        tmp_path, "core.a", "select date '2025-01-01' as day where false", grain="day", compute=compute, slice="day"
    )
    connection.execute("create schema core")
    assert models.build_models(connection, models.load_models(tmp_path).values(), REGISTRY) == {"core.a": 0}
    assert connection.execute("select day, steps from core.a").fetchall() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_computed_model_has_null_where_a_computation_has_no_number(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    compute = compute_with(monkeypatch, lambda frame: frame.assign(level=value))
    write_model(tmp_path, "core.a", "select date '2026-01-02' as day", grain="day", compute=compute)
    connection.execute("create schema core")
    models.build_models(connection, models.load_models(tmp_path).values(), REGISTRY)
    assert connection.execute("select level from core.a").fetchall() == [(None,)]


def test_computed_model_with_a_column_nobody_documented_is_refused(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = compute_with(monkeypatch, lambda frame: frame.assign(mystery=1))
    write_model(tmp_path, "core.a", "select date '2026-01-02' as day", grain="day", compute=compute)
    connection.execute("create schema core")
    with pytest.raises(PipelineError, match="not in the registry") as caught:
        models.build_models(connection, models.load_models(tmp_path).values(), REGISTRY)
    assert caught.value.found == "mystery"


def test_model_computes_only_with_functions_of_transforms(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write_model(tmp_path, "core.a", "select 1 as a", compute="os.system")
    connection.execute("create schema core")
    with pytest.raises(PipelineError, match="functions of transforms only"):
        models.build_models(connection, models.load_models(tmp_path).values(), REGISTRY)


def test_comments_with_quotes_are_kept(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    write_model(tmp_path, "core.a", "select 1 as a", what="it's a table")
    connection.execute("create schema core")
    loaded = models.load_models(tmp_path)
    models.build_models(connection, loaded.values(), {})
    models.apply_comments(connection, loaded, {})
    assert connection.execute("select comment from duckdb_tables()").fetchall() == [("it's a table",)]
