"""A real session in a warehouse of its own, in which errors are planted file by file and the checks asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb

from tests.support.bench import Bench, models_of, place_of, rows
from transforms.formats import CSV_DATASETS, DAILY_SETTLEMENT_HEADER, last_trade_date
from warehouse.models import SQL_FOLDER

INDICES = ("VIX", "VIX9D", "VIX3M", "VIX6M", "VVIX", "SPX")
HISTORY = timedelta(days=60)
ASKED = (
    "mart.daily_term_structure",
    "core.settlement_cross_checks",
    "core.index_cross_checks",
    "core.settlement_differences",
)
CHECKS = (
    "core.daily_vx_settlements__session_agrees_with_vix",
    "core.index_cross_checks__newest_moves_with_its_companions",
    "core.index_cross_checks__none_left_its_companions",
    "core.settlement_cross_checks__newest_is_not_the_day_before_again",
    "core.settlement_cross_checks__newest_lies_in_its_day",
    "core.settlement_cross_checks__newest_moves_with_its_neighbours",
    "core.settlement_cross_checks__none_left_its_curve",
    "core.settlement_differences__contract_file_confirms_same_evening",
    "mart.daily_term_structure__every_session_has_every_month",
    "mart.daily_term_structure__newest_session_has_front_months",
    "stg.vx_contract_rows__newest_lines_are_usable",
)
EVENING = "settlement_{day}.csv"


@dataclass(frozen=True)
class Listed:
    """A monthly of the session: its file and its settlement."""

    name: str
    expiry: date
    rank: int
    settle: float


class RealSession:
    """The files of a session as they were on its evening, with the sixty days before it.

    Parameters
    ----------
    mirror
        The folder of real files.
    home
        Folder for the warehouse.
    day
        The session.
    """

    def __init__(self, mirror: Path, home: Path, day: date) -> None:
        self.day = day
        self._bench = Bench(home, ASKED)
        self._files: dict[str, tuple[Path, bytes]] = {}
        for path in sorted(path for path in mirror.rglob("*") if path.is_file()):
            self._land(path, path.relative_to(mirror).as_posix())
        self._land_body("vx_daily_settlement", EVENING.format(day=day), f"{DAILY_SETTLEMENT_HEADER}\n".encode())
        self.connection = self._bench.build(today=day + timedelta(days=1))
        self.connection.execute(
            "create schema if not exists ops; create table if not exists ops.value_revisions (detected_run_id varchar, "
            "table_name varchar, trade_date date, row_key varchar, column_name varchar)"
        )
        nothing = home / "nothing"
        nothing.write_bytes(b"")
        stored = rows(self.connection, "select dataset, path from raw.stored_files")
        paths = {name: [path for dataset, path in stored if dataset == name] or [str(nothing)] for name in CSV_DATASETS}
        self.connection.execute("set variable paths = ?", [paths])
        self.monthlies = [
            Listed(f"VX_{expiry}.csv", expiry, rank, settle)
            for expiry, rank, settle in rows(
                self.connection,
                "select expiry_date, tenor_rank, settle_pts from core.daily_vx_settlements where trade_date = ? "
                "and tenor_rank is not null order by tenor_rank",
                day,
            )
        ]
        self._changing = [model for model in models_of(ASKED).values() if model.schema != "raw"]
        touched = {"raw.vx_contract_lines", "raw.vx_daily_settlement_lines"}
        for model in list(self._changing):
            if touched & set(model.reads):
                touched.add(model.name)
            else:
                self._changing.remove(model)

    def close(self) -> None:
        """Close the warehouse."""
        self._bench.close()

    def failing(self, *, contract_files: Mapping[str, float] | None, evening: Mapping[str, float] | None) -> set[str]:
        """Return the checks that fail with these settlements of the session in the files.

        Parameters
        ----------
        contract_files
            Settlement by file name where it is not the real one; None leaves the session out of every contract file.
        evening
            The same for the same-evening table; None has no table.
        """
        for name, (path, body) in self._files.items():
            if name.startswith("VX_"):
                path.write_bytes(self._contract(name, body, contract_files))
            elif name.startswith("settlement_"):
                path.write_bytes(self._evening(evening))
        for model in self._changing:
            self.connection.execute(f"create or replace table {model.name} as {model.sql}")
        return {check for check in CHECKS if _finds(self.connection, check)}

    def _contract(self, name: str, body: bytes, settles: Mapping[str, float] | None) -> bytes:
        *lines, newest = body.splitlines(keepends=True)
        if last_trade_date(newest) != self.day:
            return body
        if settles is None:
            return b"".join(lines)
        if name not in settles:
            return body
        fields = newest.split(b",")
        fields[6] = f"{settles[name]:.4f}".encode()
        return b"".join([*lines, b",".join(fields)])

    def _evening(self, settles: Mapping[str, float] | None) -> bytes:
        lines = [DAILY_SETTLEMENT_HEADER]
        if settles is not None:
            lines += [
                f"VX,VX/{month.expiry:%b},{month.expiry},{settles.get(month.name, month.settle):.4f}"
                for month in self.monthlies
            ]
        return ("\n".join(lines) + "\n").encode()

    def _land(self, path: Path, address: str) -> None:
        place = place_of(address)
        if place is None:
            return
        _, dataset, name = place
        body = path.read_bytes()
        if dataset == "vx_contract_list":
            self._land_body(dataset, name, body)
            return
        if dataset == "vx_contract":
            is_wanted = self.day <= date.fromisoformat(name[3:13]) <= self.day + timedelta(days=330)
        else:
            is_wanted = dataset == "index_history" and name.removesuffix("_History.csv") in INDICES
        if not is_wanted:
            return
        header, *lines = body.splitlines(keepends=True)
        kept = [line for line in lines if _is_within(last_trade_date(line), self.day)]
        if kept:
            self._land_body(dataset, name, b"".join([header, *kept]))

    def _land_body(self, dataset: str, name: str, body: bytes) -> None:
        evening = datetime.combine(self.day, time(23), UTC)
        stored = self._bench.land(dataset, name, body, at=evening)
        self._files[name] = (stored.path, body)


def _is_within(found: date | None, day: date) -> bool:
    return found is not None and day - HISTORY <= found <= day


def _finds(connection: duckdb.DuckDBPyConnection, check: str) -> bool:
    text = (SQL_FOLDER / "checks" / f"{check}.sql").read_text(encoding="utf-8")
    return connection.execute(text).fetchone() is not None
