"""Exports: whole files, a manifest last, the same bytes for the same warehouse, and nothing of others overwritten."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest

from flows import export as exports
from flows.export import MANIFEST, export_tables, open_store
from tests.support.commands import Commands
from tests.support.market import LAST
from tests.support.nights import have_first_night
from tests.support.shared import SharedFolders
from transforms.errors import PipelineError, UsageError
from warehouse.home import Home

CURVE = "mart.daily_term_structure"


@pytest.fixture
def home(shared_folders: SharedFolders) -> Home:
    return Home(shared_folders.get("first-night", have_first_night) / "home")


@pytest.fixture
def memory() -> Iterator[Any]:
    """The object store of this process, empty."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def published(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_parquet_in_a_folder_has_the_rows_of_the_warehouse(home: Home, tmp_path: Path) -> None:
    manifest = export_tables(home, open_store(str(tmp_path / "out")), file_format="parquet")
    assert json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))["is_complete"] is True
    assert {one["table"].partition(".")[0] for one in manifest["tables"]} == {"mart"}
    for one in manifest["tables"]:
        path = tmp_path / "out" / one["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one["sha256"]
        with duckdb.connect() as reader:
            assert reader.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone() == (one["rows"],)
    with duckdb.connect() as reader:
        found = reader.execute(
            "from read_parquet(?) order by all", [str(tmp_path / "out" / "mart" / "daily_term_structure.parquet")]
        ).fetchall()
    assert found == published(home, f"from {CURVE} order by all")


def test_manifest_says_what_the_export_is_of(home: Home, tmp_path: Path) -> None:
    manifest = export_tables(home, open_store(str(tmp_path)), file_format="csv", tables=["daily_term_structure"])
    assert manifest["session"] == LAST
    assert manifest["run_id"] == published(home, "select run_id from ref.run")[0][0]
    assert manifest["policy_hash"] == published(home, "select max(policy_hash) from mart.daily_hedge_state")[0][0]
    (table,) = manifest["tables"]
    slope = {column["name"]: column for column in table["columns"]}["contango_frac"]
    assert (slope["type"], slope["unit"]) == ("DOUBLE", "frac")
    assert slope["meaning"].startswith("slope of the front of the curve")


def test_same_warehouse_gives_the_same_bytes(home: Home, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export_tables(home, open_store(str(tmp_path / name)), file_format="csv")
    files = [sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.*")) for name in
             ("one", "two")]  # fmt: skip
    assert files[0] == files[1]
    assert len(files[0]) > 5
    for file in files[0]:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_csv_of_an_object_store_begins_with_the_day_asked_for(home: Home, memory: Any) -> None:
    first = published(home, f"select trade_date from {CURVE} order by 1 desc limit 3")[-1][0]
    export_tables(
        home, open_store("memory://bucket/alvh"), file_format="csv", tables=[CURVE, "ref.parameters"], since=first
    )
    text = memory.cat_file("/bucket/alvh/mart/daily_term_structure.csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["trade_date"] == first.isoformat()
    assert len(rows) == 3
    assert "nan" not in text
    # a table without sessions is whole
    other = list(csv.DictReader(io.StringIO(memory.cat_file("/bucket/alvh/ref/parameters.csv").decode())))
    assert len(other) == published(home, "select count(*) from ref.parameters")[0][0]
    assert json.loads(memory.cat_file(f"/bucket/alvh/{MANIFEST}"))["since"] == first.isoformat()


def test_next_export_replaces_its_own_and_removes_what_is_no_longer_there(home: Home, memory: Any) -> None:
    store = open_store("memory://bucket/alvh")
    export_tables(home, store, file_format="csv", tables=[CURVE, "mart.daily_volatility_indices"])
    export_tables(home, store, file_format="csv", tables=[CURVE])
    assert sorted(memory.find("/bucket")) == [
        f"/bucket/alvh/{MANIFEST}",
        "/bucket/alvh/mart/daily_term_structure.csv",
    ]


@pytest.mark.parametrize("target", ["folder", "memory"])
def test_folder_of_others_is_left_alone_unless_forced(home: Home, tmp_path: Path, memory: Any, target: str) -> None:
    store = open_store(str(tmp_path) if target == "folder" else "memory://bucket/theirs")
    store.system.makedirs(store.path, exist_ok=True)
    store.system.pipe_file(store.name(MANIFEST), b'{"kind": "something else"}')
    with pytest.raises(UsageError, match="no export") as caught:
        export_tables(home, store, file_format="csv", tables=[CURVE])
    assert "--force" in str(caught.value.next_step)
    assert store.system.cat_file(store.name(MANIFEST)) == b'{"kind": "something else"}'
    export_tables(home, store, file_format="csv", tables=[CURVE], is_forced=True)
    assert json.loads(store.system.cat_file(store.name(MANIFEST)))["is_complete"] is True


def test_export_that_was_broken_off_says_so_and_can_be_made_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(str(tmp_path / "out"))
    export_tables(home, store, file_format="csv", tables=[CURVE])
    before = (tmp_path / "out" / "mart" / "daily_term_structure.csv").read_bytes()

    def fails(one: exports.Store, file: str, body: bytes) -> None:
        if file.endswith(".csv"):
            raise OSError(28, "No space left on device")
        put(one, file, body)

    put = exports._put
    monkeypatch.setattr(exports, "_put", fails)
    with pytest.raises(PipelineError, match="could not be written") as caught:
        export_tables(home, store, file_format="csv", tables=[CURVE])
    assert "No space left" in str(caught.value.found)
    assert json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))["is_complete"] is False
    assert (tmp_path / "out" / "mart" / "daily_term_structure.csv").read_bytes() == before
    monkeypatch.undo()
    export_tables(home, store, file_format="csv", tables=[CURVE])
    assert json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))["is_complete"] is True
    assert list((tmp_path / "out").rglob("*.partial")) == []


def test_tables_of_the_users_own_book_leave_only_where_they_are_named(home: Home, tmp_path: Path) -> None:
    everything = export_tables(home, open_store(str(tmp_path / "all")), file_format="csv")
    assert [one["table"] for one in everything["tables"] if "book" in one["table"]] == []
    named = export_tables(home, open_store(str(tmp_path / "mine")), file_format="csv", tables=["book_orders"])
    assert [one["table"] for one in named["tables"]] == ["mart.book_orders"]


def test_what_is_no_number_is_empty(tmp_path: Path) -> None:
    made = Home(tmp_path / "home")
    made.path.mkdir()
    with duckdb.connect(str(made.published)) as connection:
        connection.execute("create schema mart; create schema ref")
        connection.execute("create table ref.run as select 'r' as run_id, true as is_simulated")
        connection.execute(
            f"create table {CURVE} as select date '2026-01-02' as trade_date, 'nan'::double as a, null::double as b"
        )
    manifest = export_tables(made, open_store(str(tmp_path / "out")), file_format="csv")
    assert (tmp_path / "out" / "mart" / "daily_term_structure.csv").read_text() == "trade_date,a,b\n2026-01-02,,\n"
    assert manifest["session"] == date(2026, 1, 2)
    assert manifest["policy_hash"] is None
    assert "SIMULATED" in manifest["terms"]


@pytest.mark.parametrize(
    ("target", "said", "found"),
    [
        ("adl://store/alvh", "needs a package", "adlfs"),
        ("s4://bucket/alvh", "no such kind of address", "s4"),
    ],
)
def test_address_that_cannot_be_used_says_which_package_is_missing(target: str, said: str, found: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_store(target)
    assert found in f"{caught.value.found}{caught.value.next_step}"


def test_password_of_an_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        open_store("s4://me:secret@example.com/x")
    assert "secret" not in f"{caught.value}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tables", "daily_term_structur"), "mart.daily_term_structure"),
        (("--schema", "marts"), "core"),
        (("--format", "xlsx"), "parquet or csv"),
        (("--tables", "a", "--schema", "core"), "exclude each other"),
    ],
)
def test_export_of_what_is_not_there_is_a_usage_error(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    target = tmp_path / "out"
    assert said in Commands(home.path, capsys).run("export", "--to", str(target), *arguments, code=2).err
    assert not target.exists()


def test_command_says_what_was_exported_and_under_which_terms(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(home.path, capsys)
    said = commands.run("export", "--to", str(tmp_path / "out"), "--tables", CURVE)
    assert "1 table, " in said.out
    assert "Cboe's terms" in said.err
    told = commands.run("export", "--to", str(tmp_path / "out"), "--tables", CURVE, "--json").document
    assert told == json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))
