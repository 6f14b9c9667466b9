"""The layers' state machine: what each layer of the hedge does on each session, and why.

One pass over the sessions, deterministic, arrays in and arrays out. On each session, in this order:

1. **P&L estimate** before costs, of sizes held since the session before. A size decided at the close of t is
   traded at t + 1 and earns from t + 2 on. Base: ``base_notional_frac / VX1`` per point, in the contract it
   stands in. Temporal layer with n steps: front leg ``(2^n - 1)`` times the base, second leg by the reading
   (equal_vega: ``-front beta1/beta2``; contracts: ``-front/2``; base_matched: ``-base beta1/beta2``;
   short_front: equal_vega with both signs turned); its legs are always the first and the second contract.
   The second engine's options are not estimated here.
2. **Guards.** Steward when a guard of the policy holds or is not evaluable, when the temporal layer's loss
   since entry reached its limit (locked until it has left), or when base and temporal layer together lost the
   yearly budget; else promoter.
3. **Temporal layer.** Arms, and takes one step a session when entitled to one, on a session that converges,
   as promoter, never on a close below the leaving level: it would be a round trip for its costs. Entitled to 1,
   one more once ``full`` was true since arming, one more for each excursion beyond those at arming. Leaves after
   ``leave_confirm_days`` closes.
4. **Second engine.** Follows the temporal layer while that is active.
5. **Base hedge.** Always on where listed; rolls at most once a cycle of the front contract.
6. **Gains rolled.** Part of the front leg's gain since the last shift, once it is large enough.

Unknown never takes protection away and never adds risk: an unknown ``leave`` does not count, an unknown arming
level does not arm, an unknown convergence or guard allows no step.

Where the rules leave a choice, it is this one:

- A role that a policy does not use: permissions (``listed``, ``converge``, ``open``, ``constructible``) are
  given, events (all others) never happen.
- Arming closes are counted on every session; leaving closes from the session after arming on, so that closes
  before it, kept by a later unknown, cannot end the layer. A session that leaves does nothing more.
- ``cooldown_days`` are whole sessions without arming: with 0 the session after leaving may arm.
- Excursions unknown at arming are taken from the first session that knows them: taking 0 would let an unknown
  add steps.
- A layer waits (armed) while the signal it awaits is false, whatever else stands against it; it is blocked when
  it would act and may not, or when the signal is unknown. From idle it is armed first, so idle to armed to
  blocked may be one session.
- Shorts are not opened while ``close_shorts`` is true (armed) or unknown (blocked). Closed shorts may be opened
  again from the next session on.
- The base hedge is idle before the first session and then active or blocked at once. Blocked, it keeps the
  contracts it holds. A steward takes no early roll, and neither does a session whose front expiry is unknown;
  such a session belongs to the cycle before.
- A session that cannot size a leg (settlement or beta unknown or not positive) keeps the contracts; a step
  that cannot be sized has unknown P&L until it can. Unknown P&L is NaN, and 0 in sums.
- Loss and gain of the temporal layer are counted from its first step and end when it leaves.
- Gains are rolled only while steps are on, after the step of the session.
"""

from __future__ import annotations

from transforms.layers.codes import Guard, Layer, LayerState, Mode, Reading, Reason, Roll, describe_reason
from transforms.layers.records import LayerInputs, LayerPath, LayerSettings, Transition
from transforms.layers.run import ALLOWED_EDGES, list_transitions, run_layers, run_many_layers

__all__ = [
    "ALLOWED_EDGES",
    "Guard",
    "Layer",
    "LayerInputs",
    "LayerPath",
    "LayerSettings",
    "LayerState",
    "Mode",
    "Reading",
    "Reason",
    "Roll",
    "Transition",
    "describe_reason",
    "list_transitions",
    "run_layers",
    "run_many_layers",
]
