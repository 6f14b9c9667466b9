"""Made-up columns and policies for tests of the policy: a few columns of every type, one small policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from transforms.policy.model import Policy
from transforms.registry import ColumnInfo
from warehouse.expressions import load_policy


def column(name: str, kind: str, unit: str = "flag", **more: Any) -> ColumnInfo:
    return ColumnInfo(name, kind, unit, "made up", "test", **more)


COLUMNS: Mapping[str, ColumnInfo] = {
    info.name: info
    for info in (
        column("trade_date", "DATE", "date"),
        column("next_fomc_date", "DATE", "date"),
        column("vix_close_pts", "DOUBLE", "pts", lowest=5, highest=200),
        column("vvix_close_pts", "DOUBLE", "pts", lowest=45, highest=400),
        column("contango_frac", "DOUBLE", "frac", lowest=-0.6, highest=1),
        column("ad_divergence_z", "DOUBLE", "sd"),
        column("vx1_trading_days_to_expiry", "BIGINT", "trading days", lowest=0, highest=60),
        column("is_big_top", "BOOLEAN"),
        column("is_converging", "BOOLEAN"),
        column("curve_state", "VARCHAR", "text", allowed=("backwardation", "flat", "contango", "steep")),
        column("curve_regime", "VARCHAR", "text", allowed=("backwardation", "flat", "contango", "steep")),
        column("vix_status", "VARCHAR", "text", allowed=("ok", "absent")),
        column("free_text", "VARCHAR", "text"),
        column("seen_at_utc", "TIMESTAMP WITH TIME ZONE", "instant"),
    )
}

SMALL = """\
schema_version = 1
name = "small"
description = "a policy for tests"

[parameters.arm_vix_pts]
value = 25.0
unit = "pts"
lowest = 10
highest = 80
provenance = "article"
meaning = "arms here"

[parameters.base_notional_frac]
value = 0.01
unit = "frac"
lowest = 0
highest = 0.05
provenance = "article"
meaning = "notional of the base"

[layers.base]
is_enabled = true
sizing = "fixed_notional"

[layers.temporal_vega]
is_enabled = false

[layers.second_engine]
is_enabled = false

[rules.base.listed]
expression = "vix_close_pts is not null"
provenance = "ours"
meaning = "there is a price"

[guards.high]
expression = "vix_close_pts >= $arm_vix_pts"
provenance = "ours"
meaning = "VIX is high"
"""


def small(old: str = "", new: str = "") -> str:
    """The small policy with one piece of text replaced; the piece must be there."""
    assert old in SMALL
    return SMALL.replace(old, new, 1) if old else SMALL


def with_guard(expression: str) -> str:
    """The small policy with another guard; its parameter stays in use through a second one."""
    keep = (
        '[guards.keep]\nexpression = "vix_close_pts > $arm_vix_pts"\nprovenance = "ours"\nmeaning = "keeps it in use"\n'
    )
    return small('expression = "vix_close_pts >= $arm_vix_pts"', f'expression = """{expression}"""') + keep


def load(text: str = SMALL) -> Policy:
    return load_policy(text, columns=COLUMNS, where="policy.toml")


def signals(*rows: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """An in-memory mart.daily_signals with these rows: what a row does not state is NULL; days count up."""
    connection = duckdb.connect()
    connection.execute("create schema mart")
    listed = ", ".join(f"{info.name} {info.type}" for info in COLUMNS.values())
    connection.execute(f"create table mart.daily_signals ({listed})")
    for number, row in enumerate(rows):
        body = {"trade_date": f"2020-01-{number + 1:02d}", **row}
        marks = ", ".join("?" for _ in body)
        names = ", ".join(body)
        connection.execute(f"insert into mart.daily_signals ({names}) values ({marks})", list(body.values()))
    return connection
