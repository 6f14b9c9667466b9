"""Targets that lie in a home: sidecars, run records, messages, calibrations, sweeps, the environment, and the query.

Each has a folder of its own for as long as the process lives; an input is written there, or given, and read back the
way the program does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from pydantic import ValidationError

from flows.settings import HttpSettings, NotifySettings, RetentionSettings, Settings
from flows.sources import http_policy
from tests.fuzz import seeds
from tests.fuzz.targets import _JSON_WORDS, Target
from tests.support.grids import SMALL, read_small
from transforms.errors import PipelineError, SourceError, UsageError
from warehouse import query
from warehouse.governance.log import PolicyFolder, read_log
from warehouse.home import Home
from warehouse.notices import NoticeLog
from warehouse.raw_store import RawStore
from warehouse.run_log import close_interrupted, describe_run, latest_record, read_records
from warehouse.stored_calibrations import read_stored_calibrations
from warehouse.sweep_market_file import LAID_OUT, read_market_file
from warehouse.sweep_plan import PLAN, read_plan, write_plan
from warehouse.sweep_store import SweepFolder, read_manifest

NAME = "VX_2025-09-17.csv"
CANARY = "a-secret-that-no-query-may-see"
_folders: list[tempfile.TemporaryDirectory[str]] = []


def _folder() -> Path:
    made = tempfile.TemporaryDirectory(prefix="alvh-fuzz-")
    _folders.append(made)  # removed when the process ends
    return Path(made.name)


@lru_cache(maxsize=1)
def _raw_home() -> tuple[Home, Path]:
    home = Home(_folder())
    home.prepare()
    RawStore(home).land(
        publisher="cboe",
        dataset="vx_contract",
        name=NAME,
        url=f"https://cdn.cboe.com/{NAME}",
        body=seeds.CONTRACT,
        status=200,
        headers={"etag": '"1"'},
        fetched_at=datetime(2025, 6, 6, 22, 0, tzinfo=UTC),
    )
    return home, home.raw / "cboe" / NAME


def _sidecar_seed() -> bytes:
    return next(_raw_home()[1].glob("*.meta.json")).read_bytes()


def read_sidecar(body: bytes) -> None:
    """A damaged sidecar, list of versions or list of looks ends in an error that says which, or changes nothing."""
    home, folder = _raw_home()
    sidecar = next(folder.glob("*.meta.json"))
    good = {path: path.read_bytes() for path in (sidecar, folder / "observed.jsonl")}
    checked = home.raw / "cboe.checked.json"
    try:
        for path in (*good, checked):
            path.write_bytes(body)
            try:
                for _, _, state in RawStore(home).states():
                    current = state.current
                    if current is None:
                        continue
                    assert current.path.is_relative_to(home.raw)
                    assert isinstance(current.sha256, str)
                    assert isinstance(current.dataset, str)
                    assert current.last_date is None or isinstance(current.last_date, date)
            except PipelineError as error:
                assert error.where
                assert error.next_step
            if path in good:
                path.write_bytes(good[path])
            else:
                path.unlink()
    finally:
        for path, content in good.items():
            path.write_bytes(content)


_RECORD = {
    "run_id": "20250606T223000.000Z",
    "started_at_utc": "2025-06-06T22:30:00Z",
    "outcome": "published",
    "exit_code": 0,
    "versions": {"alvh": "0.1.0", "python": "3.11"},
    "steps": [{"step": "fetch", "seconds": 1.5, "summary": "2 new"}],
    "fetch": {"failures": [{"name": "VX", "what": "late"}]},
}


@lru_cache(maxsize=1)
def _run_home() -> Home:
    home = Home(_folder())
    home.prepare()
    return home


def read_run_records(body: bytes) -> None:
    """A record that cannot be read is passed over; one that can is described."""
    home = _run_home()
    record = home.runs / "20250606T223000.000Z.json"
    record.write_bytes(body)
    # a file by the name of another run: what it says of itself must lead nowhere else
    (home.runs / "another.json").write_bytes(body)
    outside = sorted(home.path.parent.glob("*.json"))
    for one in read_records(home):
        assert one["run_id"]
    newest = latest_record(home)
    if newest is not None:
        described = describe_run(newest)
        assert described["run_id"] == newest["run_id"]
    close_interrupted(home, "20250607T223000.000Z")
    assert sorted(home.path.parent.glob("*.json")) == outside
    for left in set(home.runs.iterdir()) - {record}:
        left.unlink()


def read_messages(body: bytes) -> None:
    """A damaged log of messages, or standing, is passed over."""
    log = NoticeLog(_run_home())
    log.folder.mkdir(exist_ok=True)
    for path in (log.path, log.folder / "standing.json"):
        path.write_bytes(body)
    assert all(isinstance(key, str) for key in log.told())
    assert all(isinstance(one.title, str) for _, one in log.undelivered("1 ntfy://***"))
    standing = log.read_standing()
    assert standing is None or isinstance(standing.session, date)


def read_calibration_files(body: bytes) -> None:
    """A calibration is as it was written, or none is used."""
    home = _run_home()
    folder = home.path / "calibrations"
    folder.mkdir(exist_ok=True)
    (folder / "2025-06-09.json").write_bytes(body)
    with suppress(PipelineError):
        for entry in read_stored_calibrations(home):
            assert entry.used_from_date > entry.calibrated_on_date


def read_policy_folder(body: bytes) -> None:
    """Log and head note in any state: entries and problems, never an exception."""
    folder = PolicyFolder(_run_home().path / "policy")
    folder.root.mkdir(exist_ok=True)
    for path in (folder.log, folder.head):
        path.write_bytes(body)
        reading = read_log(folder)
        assert all(problem.found for problem in reading.problems)
        path.unlink()


@lru_cache(maxsize=1)
def _sweep() -> SweepFolder:
    sweep = SweepFolder(_folder())
    grid, expansion = read_small(SMALL.replace("[22, 25, 28]", "[22, 25]"))
    write_plan(sweep.plan, grid, expansion)
    return sweep


@lru_cache(maxsize=1)
def _plan() -> tuple[str, bytes]:
    content = _sweep().plan.read_bytes()
    ids = "\n".join(one for one, _ in json.loads(content)["policies"])
    return hashlib.sha256(ids.encode()).hexdigest(), content


def read_sweep_plan(body: bytes) -> None:
    """A plan is the sweep's, to the bit, or refused."""
    grid_hash, good = _plan()
    plan = _sweep().folder / PLAN
    plan.write_bytes(body)
    try:
        made = read_plan(plan, grid_hash)
    except PipelineError as error:
        assert error.next_step
    else:
        plan.write_bytes(good)
        assert made == read_plan(plan, grid_hash)
    sweep = _sweep()
    sweep.manifest.write_bytes(body)
    with suppress(PipelineError):
        assert read_manifest(sweep)["chunk"] is not NotImplemented


@lru_cache(maxsize=1)
def _market_seed() -> bytes:
    import pandas as pd

    from tests.unit.test_sweep_run import ARTICLE, hedge_market, listing
    from transforms.sweep import build_sweep_market
    from warehouse.sweep_market_file import PathMarket, write_market

    hedge = hedge_market()
    swept = build_sweep_market(hedge, listing(hedge), [ARTICLE.machine()])
    keep = replace(swept, parameters=dict(swept.parameters))
    signals = pd.DataFrame({"trade_date": pd.to_datetime(pd.Series(hedge.futures.days)), "rv_excursions": range(5)})
    write_market(_folder() / LAID_OUT, PathMarket(keep, signals, 25.0))
    return (Path(_folders[-1].name) / LAID_OUT).read_bytes()


def read_sweep_market(body: bytes) -> None:
    """A market whose indices point into its arrays, or none."""
    target = _sweep().folder / LAID_OUT
    target.write_bytes(body)
    try:
        market = read_market_file(target)
    except PipelineError:
        return
    arrays = market.swept.arrays
    assert (arrays.calendar_legs < len(arrays.option_expiry)).all()
    assert (arrays.ranked < len(arrays.expiry)).all()
    assert (arrays.option_offset[1:] >= arrays.option_offset[:-1]).all()
    assert arrays.option_offset[-1] == len(arrays.option_ticks)


_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "ALVH_HTTP_": ("MIRROR_URL", "PACE_SECONDS", "ATTEMPTS", "TOTAL_TIMEOUT_SECONDS", "USER_AGENT"),
    "ALVH_NOTIFY_": ("URL", "BLOCK", "ON", "TIMEOUT_SECONDS"),
    "ALVH_KEEP_": ("PUBLISHED", "REPORTS"),
    "ALVH_": ("HOME", "SOURCE", "FETCH_RETRIES", "REPORT_BASE_URL", "FRED_API_KEY"),
}


def read_settings(body: bytes) -> None:
    """Settings are taken within their bounds; no secret is in what they show, and a mirror is https or this machine."""
    text = body.decode("utf-8", "replace").replace("\0", "").encode("utf-8", "replace").decode("utf-8", "replace")
    kinds = {
        "ALVH_HTTP_": HttpSettings,
        "ALVH_NOTIFY_": NotifySettings,
        "ALVH_KEEP_": RetentionSettings,
        "ALVH_": Settings,
    }
    for prefix, names in _SETTINGS.items():
        for name in names:
            with patch.dict(os.environ, {prefix + name: text}):
                try:
                    made: Any = kinds[prefix]()
                except ValidationError:
                    continue
            if name in ("URL", "FRED_API_KEY") and prefix != "ALVH_HTTP_" and len(text) > 8:
                assert text not in repr(made)
            if name == "MIRROR_URL":
                with suppress(UsageError):
                    base = http_policy.check_mirror(str(made.mirror_url))
                    assert base.startswith("https://") or http_policy.is_loopback(made.mirror_url.host)
            if name in ("PACE_SECONDS", "TOTAL_TIMEOUT_SECONDS", "TIMEOUT_SECONDS"):
                value = getattr(made, name.lower())
                assert 0 <= value < float("inf"), f"{prefix}{name}={text!r} is {value}"


def check_addresses(body: bytes) -> None:
    """Only allowed hosts are asked, whatever an address or a redirect looks like; a wait is never negative."""
    text = body.decode("utf-8", "replace")
    with suppress(SourceError):
        parts = http_policy.check_address(text)
        assert parts.hostname in http_policy.ALLOWED_HOSTS
        assert parts.username is None
    asked = "https://cdn.cboe.com/data/VX.csv"
    with suppress(SourceError):
        led = http_policy.redirect_target(asked, text)
        parts = http_policy.urlsplit(led)
        assert (parts.scheme, parts.hostname, parts.port, parts.username) == ("https", "cdn.cboe.com", None, None)
        assert "/../" not in led
    wait = http_policy.retry_after_seconds(text, datetime(2025, 6, 6, tzinfo=UTC))
    assert wait is None or wait >= 0
    assert http_policy.printable(body).isprintable()
    http_policy.is_expected_type("csv", text)


@lru_cache(maxsize=1)
def _query_home() -> Home:
    home = Home(_folder() / "home")
    home.prepare()
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.curve as "
            "select date '2025-06-06' + range::int as trade_date, 20.0 + range as pts, 'x' as note from range(5)"
        )
        connection.execute("create macro two(a) as table select a, a")
    (home.path / "secret.csv").write_text(CANARY)
    return home


def run_query(body: bytes) -> None:
    """A query reads the warehouse and nothing else, writes nothing, and ends."""
    home = _query_home()
    text = body.decode("utf-8", "replace").replace("@", str(home.path))
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*")}
    try:
        found = query.run_query(home, text, seconds=1.0)
    except UsageError as error:
        said = str(error)
        assert CANARY not in said.replace(text, "")
    else:
        for shown in (query.to_table(found), query.to_csv(found), query.to_json(found)):
            assert CANARY not in shown
    assert {path: path.stat().st_mtime_ns for path in home.path.rglob("*")} == before


_SQL_WORDS = (
    *(
        b"select",
        b"from",
        b"*",
        b"mart.curve",
        b"pts",
        b"trade_date",
        b"note",
        b"where",
        b"group by all",
        b"order by 1",
    ),
    *(
        b"limit 3",
        b"join",
        b"using (pts)",
        b"union all",
        b"with a as (select 1)",
        b"(",
        b")",
        b",",
        b"1",
        b"'x'",
        b"pts > 2",
    ),
    *(b"count(*)", b"sum(pts) over ()", b"range(9)", b"unnest([1,2])", b"explain analyze", b"describe", b"summarize"),
    *(
        b"read_text('@/secret.csv')",
        b"read_csv('@/secret.csv')",
        b"'@/secret.csv'",
        b"glob('@/*')",
        b"read_blob('@/*')",
    ),
    *(b"copy mart.curve to '@/out.csv'", b"attach '@/x.duckdb'", b"install httpfs", b"load httpfs", b"set a = 1", b";"),
    *(
        b"pragma",
        b"call",
        b"create temp table t as",
        b"insert into mart.curve",
        b"query('select 1')",
        b"query_table('x')",
    ),
    *(
        b"parquet_scan('@/secret.csv')",
        b"read_json('@/secret.csv')",
        b"export database '@/x'",
        b"checkpoint",
        b"two(1)",
    ),
    *(b"getvariable('a')", b"set variable a = 1", b"duckdb_settings()", b"duckdb_secrets()", b"pragma_database_list()"),
    *(
        b"sniff_csv('@/secret.csv')",
        b"create secret",
        b"use memory",
        b"detach alvh",
        b"pivot",
        b"on note",
        b"exists",
        b"not",
    ),
)
_LABELS = b'{"id": "a", "keys": ["state:base"], "title": "t", "body": "b", "channels": {"1 ntfy://***": "refused"}}\n'
_STANDING = (
    b'{"session": "2025-06-06", "layers": {"base": ["active", 0]}, "governor_mode": "normal", "unwell": ["Cboe"]}'
)

IN_HOMES: tuple[Target, ...] = (
    Target(
        "sidecar",
        read_sidecar,
        (_sidecar_seed(), b'{"sha256": "ab", "seen_at_utc": "x"}\n', b"{}"),
        _JSON_WORDS,
        quick=120,
    ),
    Target(
        "run_record", read_run_records, (json.dumps(_RECORD, indent=1).encode(),), (*_JSON_WORDS, b"running"), quick=120
    ),
    Target("messages", read_messages, (_LABELS * 2, _STANDING), (*_JSON_WORDS, b"sent")),
    Target("calibration", read_calibration_files, (b'{"calibration_version": 1, "content_sha256": "0"}',), _JSON_WORDS),
    Target("policy_folder", read_policy_folder, (b'{"seq": 1, "sha256": "0"}', b'{"entry_sha256":"0"}\n'), _JSON_WORDS),
    Target("sweep_plan", read_sweep_plan, (_plan()[1],), (*_JSON_WORDS, b"[parameters]", b"$arm_vix_pts"), quick=80),
    Target(
        "sweep_market",
        read_sweep_market,
        (_market_seed(),),
        (b"\x93NUMPY", b"'|O'", b"'<f8'", b"PK\x01\x02"),
        quick=200,
    ),
    Target(
        "settings",
        read_settings,
        (b"https://mirror.example/x", b"0.5", b"ntfy://user:password@host/topic", b"http://127.0.0.1:8000"),
        (b"://", b"nan", b"inf", b"-1", b"[::1]", b"@", b"#"),
        quick=60,
    ),
    Target(
        "address",
        check_addresses,
        (
            b"https://cdn.cboe.com/api/global/VIX.csv",
            b"/data/other.csv",
            b"Wed, 21 Oct 2025 07:28:00 GMT",
            b"120",
            b"text/csv",
        ),
        (
            b"https://",
            b"//",
            b"\\",
            b"@",
            b"%2e%2e",
            b"..",
            b"evil.example",
            b":443",
            b"\t",
            b"[",
            b"www.cboe.com",
            b"GMT",
        ),
        quick=300,
    ),
    Target(
        "query",
        run_query,
        (b"select * from mart.curve", b"from mart.curve where pts > 21"),
        _SQL_WORDS,
        speaks=True,
        quick=60,
    ),
)
