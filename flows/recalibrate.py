"""The weekly flow: re-calibrate after the last session of a week, as a named Prefect task."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.homes import home_to_read
from flows.recalibration import Recalibration, recalibrate_home
from flows.run_page import mark_run, show
from flows.settings import Settings
from transforms.calendar import NEW_YORK
from warehouse.home import Home
from warehouse.run_log import run_id_of

DESCRIPTION = """
After the last session of a week: betas, the shape of option volatility, excursions and roll are computed from what is
published and **stored once**, for use from the next session on. On a day on which no week has ended since, nothing is
new. See `docs/calibration.md`.
"""


@task(
    name="calibrate",
    task_run_name="calibrate {home.path.name} by {run_id}",
    description="Calibrate after the newest week that has ended, and store it.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def calibrate(home: Home, now: datetime, run_id: str, as_of: date | None) -> Recalibration:
    """Calibrate the newest finished week from the published warehouse, once."""
    result = recalibrate_home(home, now=now, run_id=run_id, as_of=as_of)
    if result.stored is not None:
        rows = [{"value": name, "calibrated": value} for name, value in result.stored.values.items()]
        show(lambda: create_table_artifact(table=rows, key="alvh-calibration", description=result.sentence))
    return result


def _name_run() -> str:
    return f"recalibrate {flow_run.parameters.get('as_of') or datetime.now(NEW_YORK).date()}"


@flow(
    name="recalibrate",
    flow_run_name=_name_run,
    description=DESCRIPTION,
    validate_parameters=False,
    persist_result=False,
)
def recalibrate(home: str | None = None, as_of: date | None = None) -> Recalibration:
    """Re-calibrate. A run on a day on which no week has ended since the last one ends as "nothing new".

    Parameters
    ----------
    home
        Home folder; ``ALVH_HOME``, else the default, when not given.
    as_of
        Only weeks that ended by this day count.
    """
    now = datetime.now(UTC)
    folder = home_to_read(Path(home) if home else Settings().home)
    result = calibrate(folder, now, run_id_of(now), as_of)
    week = result.stored.calibrated_on_date if result.stored else None
    mark_run(f"recalibrate after {week}" if week else None, ["alvh", result.outcome.replace("_", "-")])
    return result
