"""``alvh recalibrate``: the parameters of the week that has ended, stored once. Heavy imports stay inside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from flows.command_line import DebugOption, HomeOption, JsonOption, as_of_option, reports_errors
from flows.homes import home_to_read
from flows.printing import print_json

if TYPE_CHECKING:
    from flows.recalibration import Recalibration


@reports_errors
def recalibrate(
    as_of: Annotated[
        datetime | None, as_of_option("Only weeks that ended by this day; the newest if left out.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Calibrate after the newest finished week, and store it for good.

    Betas, option volatility, excursions and roll; a week is calibrated once and used from its day on.

    \b
    Examples:
      alvh recalibrate
      alvh recalibrate --as-of 2026-01-09 --json
    """
    from flows.recalibration import recalibrate_home
    from warehouse.run_log import run_id_of

    now = datetime.now(UTC)
    day = as_of.date() if as_of else None
    result = recalibrate_home(home_to_read(home), now=now, run_id=run_id_of(now), as_of=day)
    if as_json:
        print_json(describe(result))
        return
    print(result.sentence)
    if result.path is not None:
        print(f"calibration: {result.path}")


def describe(result: Recalibration) -> dict[str, Any]:
    """Return how a re-calibration ended, as JSON has it."""
    stored = result.stored
    return {
        "outcome": result.outcome,
        "sentence": result.sentence,
        "file": str(result.path) if result.path else None,
        "differences": list(result.differences),
        "calibration": None
        if stored is None
        else {
            name: value if name in ("values", "is_simulated") else str(value) for name, value in vars(stored).items()
        },
    }
