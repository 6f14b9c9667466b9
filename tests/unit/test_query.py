"""Reading the published warehouse: nothing else in reach, every format true to the values."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from transforms.errors import PipelineError, UsageError
from warehouse import query
from warehouse.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A published warehouse of one small table."""
    home = Home(tmp_path_factory.mktemp("query") / "home")
    home.prepare()
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.curve (trade_date date, vx1_settle_pts double, months bigint, is_late boolean, "
            "note varchar, seen_at_utc timestamptz)"
        )
        connection.execute(
            "insert into mart.curve values ('2025-01-06', 17.25, 8, true, 'a, \"b\"', '2025-01-06 23:00:00Z'), "
            "('2025-01-07', null, null, null, null, null)"
        )
        connection.execute("comment on table mart.curve is 'the curve'")
        connection.execute("create schema core")
        connection.execute("create table core.meetings (a bigint)")
        connection.execute("create table mart.meetings (b bigint)")
        connection.execute("comment on column mart.curve.vx1_settle_pts is 'front month'")
    (home.path / "secret.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(home.path / "secret.duckdb")) as connection:
        connection.execute("create table t as select 1 as a")
    return home


def test_query_returns_columns_types_and_rows(home: Home) -> None:
    found = query.run_query(home, "select trade_date, vx1_settle_pts from mart.curve order by 1")
    assert found.columns == ["trade_date", "vx1_settle_pts"]
    assert found.types == ["DATE", "DOUBLE"]
    assert found.rows == [(date(2025, 1, 6), 17.25), (date(2025, 1, 7), None)]


@pytest.mark.parametrize(
    "sql",
    [
        "describe mart.curve",
        "summarize mart.curve",
        "explain select 1",
        "from mart.curve",
        "with a as (select 1) select * from a",
        "values (1)",
        "show tables",
        "select 1;",
    ],
)
def test_query_runs_every_kind_of_reading(home: Home, sql: str) -> None:
    assert query.run_query(home, sql).rows != [] or sql == "show tables"


@pytest.mark.parametrize(
    "sql",
    [
        "insert into mart.curve values (null, null, null, null, null, null)",
        "update mart.curve set months = 1",
        "delete from mart.curve",
        "drop table mart.curve",
        "create table t as select 1",
        "create temp table t as select 1",
        "alter table mart.curve add column x int",
        "attach '{home}/other.duckdb'",
        "detach alvh",
        "copy mart.curve to '{home}/out.csv'",
        "copy mart.curve from '{home}/secret.csv'",
        "export database '{home}/out'",
        "import database '{home}/out'",
        "install httpfs",
        "load httpfs",
        "pragma database_list",
        "set enable_external_access = true",
        "reset enable_external_access",
        "set lock_configuration = false",
        "checkpoint",
        "begin",
        "vacuum",
        "call pragma_version()",
        "prepare p as select 1",
        "use memory",
    ],
)
def test_query_refuses_every_statement_that_does_not_read(home: Home, sql: str) -> None:
    before = sorted(path.name for path in home.path.iterdir())
    with pytest.raises(UsageError):
        query.run_query(home, sql.format(home=home.path))
    assert sorted(path.name for path in home.path.iterdir()) == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{home}/secret.csv')",
        "select * from read_csv_auto('{home}/secret.csv')",
        "select * from '{home}/secret.csv'",
        "select * from read_text('{home}/secret.csv')",
        "select * from read_blob('{home}/secret.csv')",
        "select * from glob('{home}/*')",
        "select * from sniff_csv('{home}/secret.csv')",
        "select * from read_parquet('{home}/*.parquet')",
        "select * from read_json('{home}/runs/*.json')",
        "select * from read_csv('https://elsewhere.test/a.csv')",
        "select * from read_duckdb('{home}/secret.duckdb')",
    ],
)
def test_query_reads_no_other_file(home: Home, sql: str) -> None:
    with pytest.raises(UsageError):
        query.run_query(home, sql.format(home=home.path))


@pytest.mark.parametrize(
    "sql",
    [
        "explain analyze copy mart.curve to '{home}/out.csv'",
        "explain analyze delete from mart.curve",
        "explain analyze select * from read_text('{home}/secret.csv')",
    ],
)
def test_query_cannot_hide_an_effect_behind_explain(home: Home, sql: str) -> None:
    with pytest.raises(UsageError):
        query.run_query(home, sql.format(home=home.path))
    assert not (home.path / "out.csv").exists()


def test_query_sees_no_variable_of_the_program(home: Home) -> None:
    frame = [1, 2, 3]
    with pytest.raises(UsageError, match="the query cannot be run"):
        query.run_query(home, "select * from frame")
    assert frame


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select 1; select 2", "SELECT, SELECT"),
        ("select 1; drop table mart.curve", "SELECT, DROP"),
        ("", "nothing"),
        ("-- only a remark", "nothing"),
    ],
)
def test_query_runs_exactly_one_statement(home: Home, sql: str, found: str) -> None:
    with pytest.raises(UsageError, match="alvh query runs one reading statement") as caught:
        query.run_query(home, sql)
    assert caught.value.found == found


@pytest.mark.parametrize("sql", ["selec 1", "select nonsense from mart.curve", "select * from mart.nonsense"])
def test_query_that_duckdb_refuses_is_a_usage_error(home: Home, sql: str) -> None:
    with pytest.raises(UsageError) as caught:
        query.run_query(home, sql)
    assert caught.value.exit_code == 2
    assert "Error" in str(caught.value.found)


def test_query_leaves_the_file_as_it_is(home: Home) -> None:
    before = home.published.read_bytes()
    query.run_query(home, "select count(*) from mart.curve")
    assert home.published.read_bytes() == before


def test_query_before_anything_is_published_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has been published yet") as caught:
        query.run_query(Home(tmp_path), "select 1")
    assert "alvh nightly" in str(caught.value.next_step)


def test_query_of_a_damaged_file_names_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.published.write_bytes(b"damaged" * 10_000)
    with pytest.raises(PipelineError, match="the published warehouse cannot be opened") as caught:
        query.run_query(home, "select 1")
    assert caught.value.where == str(home.published)


def test_table_aligns_numbers_right_and_text_left(home: Home) -> None:
    text = query.to_table(query.run_query(home, "select 'ab' as name, 5 as number union all select 'c', 100"))
    assert text.splitlines() == ["name  number", "----  ------", "ab         5", "c        100", "(2 rows)"]


def test_table_leaves_null_empty(home: Home) -> None:
    text = query.to_table(query.run_query(home, "select vx1_settle_pts from mart.curve order by trade_date"))
    assert text.splitlines()[2:4] == ["         17.25", ""]


def test_table_of_no_rows_is_its_header(home: Home) -> None:
    assert query.to_table(query.run_query(home, "select 1 as a where false")) == "a\n-\n(0 rows)\n"


LONG = query.QueryResult(["name", "n", "what"], [], [("a", 1, "one two three " * 5), ("b", 22, "short")])


def test_table_wraps_its_last_column_inside_the_terminal() -> None:
    assert query.to_table(LONG, width=40).splitlines() == [
        "name   n  what",
        "----  --  ------------------------------",
        "a      1  one two three one two three",
        "          one two three one two three",
        "          one two three",
        "b     22  short",
        "(2 rows)",
    ]


def test_table_without_a_terminal_has_a_line_a_row() -> None:
    assert len(query.to_table(LONG).splitlines()) == 2 + 2 + 1


def test_table_stays_readable_in_a_very_narrow_terminal() -> None:
    assert query.to_table(LONG, width=5) == query.to_table(LONG, width=40)


def test_csv_can_be_read_back(home: Home) -> None:
    text = query.to_csv(query.run_query(home, "select trade_date, vx1_settle_pts, note from mart.curve order by 1"))
    assert list(csv.reader(io.StringIO(text))) == [
        ["trade_date", "vx1_settle_pts", "note"],
        ["2025-01-06", "17.25", 'a, "b"'],
        ["2025-01-07", "", ""],
    ]


def test_json_is_a_list_of_objects_with_iso_dates(home: Home) -> None:
    text = query.to_json(query.run_query(home, "select trade_date, vx1_settle_pts from mart.curve order by 1"))
    assert json.loads(text) == [
        {"trade_date": "2025-01-06", "vx1_settle_pts": 17.25},
        {"trade_date": "2025-01-07", "vx1_settle_pts": None},
    ]


def test_parquet_holds_every_row(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert query.write_parquet(home, "select * from mart.curve", path) == 2
    with duckdb.connect() as reader:
        found = reader.execute("select trade_date::date, vx1_settle_pts, months from read_parquet(?)", [str(path)])
        assert found.fetchall() == [(date(2025, 1, 6), 17.25, 8), (date(2025, 1, 7), None, None)]


def test_parquet_keeps_the_types_of_the_warehouse(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    query.write_parquet(home, "select * from mart.curve", path)
    with duckdb.connect() as reader:
        found = reader.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    assert [row[1] for row in found] == ["DATE", "DOUBLE", "BIGINT", "BOOLEAN", "VARCHAR", "TIMESTAMP WITH TIME ZONE"]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("date '2025-01-06'", "DATE"),
        ("1.5::decimal(10, 2)", "DECIMAL(10,2)"),
        ("[1, 2]::bigint[]", "BIGINT[]"),
        ("{'a': 1, 'b': 'x'}", "STRUCT(a INTEGER, b VARCHAR)"),
        ("5::utinyint", "UTINYINT"),
    ],
)
def test_parquet_keeps_any_type_a_query_can_make(home: Home, tmp_path: Path, expression: str, kind: str) -> None:
    path = tmp_path / "out.parquet"
    query.write_parquet(home, f"select {expression} as a", path)
    with duckdb.connect() as reader:
        found = reader.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    assert found[0][1] == kind


def test_parquet_takes_two_columns_of_one_name_and_a_quoted_one(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    query.write_parquet(home, 'select 1 as a, date \'2025-01-06\' as a, 3 as "it\'s ""b"""', path)
    with duckdb.connect() as reader:
        assert reader.execute("from read_parquet(?)", [str(path)]).fetchall() == [(1, date(2025, 1, 6), 3)]


def test_parquet_refuses_what_a_query_refuses(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        query.write_parquet(home, "drop table mart.curve", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_parquet_into_a_missing_folder_is_a_usage_error(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "out.parquet"
    with pytest.raises(UsageError, match="the Parquet file cannot be written") as caught:
        query.write_parquet(home, "select 1 as a", path)
    assert caught.value.where == str(path)


def test_tables_are_listed_with_rows_and_what_they_hold(home: Home) -> None:
    assert ("mart.curve", 2, "the curve") in query.list_tables(home).rows


@pytest.mark.parametrize("name", ["mart.curve", "curve"])
def test_table_is_described_with_the_meaning_of_its_columns(home: Home, name: str) -> None:
    found = query.describe_table(home, name)
    assert found.columns == ["column_name", "data_type", "meaning"]
    assert found.rows[1] == ("vx1_settle_pts", "DOUBLE", "front month")


def test_name_that_two_schemas_have_is_refused_with_both(home: Home) -> None:
    with pytest.raises(UsageError, match="several tables") as caught:
        query.describe_table(home, "meetings")
    assert caught.value.expected == "core.meetings or mart.meetings"
    assert query.describe_table(home, "core.meetings").rows == [("a", "BIGINT", None)]


def test_unknown_table_names_the_nearest(home: Home) -> None:
    with pytest.raises(UsageError, match="no such table") as caught:
        query.describe_table(home, "mart.kurve")
    assert str(caught.value.expected).split(", ")[0] == "mart.curve"


def test_unknown_table_near_to_nothing_asks_for_the_form(home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        query.describe_table(home, "zzzzzzzz")
    assert caught.value.expected == "schema.table"


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from range(1000000) a, range(10000000) b where a.range * b.range % 7 = 3",
        "select * from range(1000000000000)",
    ],
)
def test_query_without_end_is_broken_off_and_says_so(home: Home, sql: str) -> None:
    with pytest.raises(UsageError, match="takes too long") as caught:
        query.run_query(home, sql, seconds=0.3)
    assert "--timeout" in str(caught.value)
    assert query.run_query(home, "select 1").rows == [(1,)]


def test_query_that_takes_more_memory_than_it_may_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_MEMORY", 64 * 1024**2)
    before = sorted(path.name for path in home.path.iterdir())
    with pytest.raises(UsageError, match="Memory"):
        query.run_query(home, "select list(range) from range(100000000)")
    assert sorted(path.name for path in home.path.iterdir()) == before  # nothing spilled into the home


def test_query_with_more_values_than_can_be_shown_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_CELLS", 1_000_000)
    with pytest.raises(UsageError, match="more than can be shown"):
        query.run_query(home, "select range, range from range(10000000)")


CLEAR_SCREEN = "\x1b[2J\x1b]0;title\x07\u202e\x9b31m"


def test_what_acts_on_a_terminal_is_shown_and_not_done(home: Home) -> None:
    sql = f"select '{CLEAR_SCREEN}' as \"a\x1b[31m\""
    text = query.to_table(query.run_query(home, sql))
    assert not set(text) & set("\x1b\x07\u202e\x9b")
    assert "\\x1b[2J" in text
    assert "\\u202e" in text


def test_json_has_the_same_text_in_a_spelling_that_does_nothing(home: Home) -> None:
    text = query.to_json(query.run_query(home, f"select '{CLEAR_SCREEN}' as a"))
    assert not set(text) & set("\x1b\x07\u202e\x9b")
    assert json.loads(text) == [{"a": CLEAR_SCREEN}]


def test_csv_has_every_value_as_it_is(home: Home) -> None:
    text = query.to_csv(query.run_query(home, f"select '{CLEAR_SCREEN}' as a"))
    assert list(csv.reader(io.StringIO(text))) == [["a"], [CLEAR_SCREEN]]


def test_error_quotes_what_it_found_without_acting_on_it() -> None:
    error = PipelineError("what", where="a\x1b[2Jb.csv", found="\u202egnp.exe\r")
    assert error.lines()[1:] == ["  where:    a\\x1b[2Jb.csv", "  found:    \\u202egnp.exe\\x0d"]
