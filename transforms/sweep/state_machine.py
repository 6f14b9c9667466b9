"""The state machine of the layers, compiled over many policies: see `transforms.sweep.states`."""

from __future__ import annotations

from collections.abc import Callable

from transforms.layers import machine
from transforms.layers.codes import LayerState, Mode
from transforms.layers.machine import Arrays, Columns, Numbers
from transforms.sweep.arrays import Bytes, Floats, Ints, Paths
from transforms.sweep.compiling import compile_kept, compute_stamp, inline, made_once

_ACTIVE, _PROMOTER = int(LayerState.ACTIVE), int(Mode.PROMOTER)

_walk = inline(machine.walk_sessions)


@made_once
def compile_machine() -> Callable[..., None]:
    """Return the compiled machine over many policies; its compiled form is kept as that of the walk is."""
    stamp = compute_stamp([machine.walk_sessions])

    def run_machine(
        market: Columns,
        truths: Bytes,
        rows: Ints,
        numbers: Floats,
        room: Arrays,
        pnl_up_to: Floats,
        decided: Paths,
    ) -> None:
        if stamp < 0:  # never: a variable of a closure is part of the key that the compiled form is kept by
            return
        for p in range(len(rows)):
            row, number = rows[p], numbers[p]
            inputs = Columns(
                market.front_expiry,
                market.vx1_settle_pts,
                market.vx1_change_pts,
                market.vx2_change_pts,
                market.vx1_beta,
                market.vx2_beta,
                truths[row[0]],
                truths[row[1]],
                truths[row[2]],
                truths[row[3]],
                truths[row[4]],
                truths[row[5]],
                truths[row[6]],
                truths[row[7]],
                truths[row[8]],
                truths[row[9]],
                truths[row[10]],
                market.excursions,
            )
            settings = Numbers(
                number[0] != 0,
                number[1] != 0,
                number[2] != 0,
                int(number[3]),
                int(number[4]),
                int(number[5]),
                int(number[6]),
                int(number[7]),
                int(number[8]),
                number[9],
                number[10],
                int(number[11]),
                number[12],
                number[13],
                number[14],
            )
            path = Arrays(
                decided.base_state[p],
                room.temporal_state,
                decided.second_state[p],
                room.base_reason,
                room.temporal_reason,
                room.second_reason,
                decided.steps[p],
                room.base_roll,
                decided.held_rank[p],
                room.mode,
                room.guards,
                room.base_pnl_frac,
                room.temporal_pnl_frac,
                room.temporal_pnl_since_entry_frac,
                room.trailing_pnl_frac,
                room.gains_rolled_frac,
            )
            _walk(inputs, settings, path, pnl_up_to)
            opens, second = inputs.open_shorts, path.second_state
            for t in range(len(second)):
                is_free = second[t] == _ACTIVE and room.mode[t] == _PROMOTER and opens[t] == 1
                decided.may_open[p, t] = 1 if is_free else 0
                decided.is_shift[p, t] = 1 if room.gains_rolled_frac[t] > 0.0 else 0

    return compile_kept(run_machine)
