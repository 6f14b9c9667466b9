"""Who may change the policy, what was in force when, and whether anything was touched since.

``keys`` and ``agent`` sign; ``signers`` says who may and how many it takes; ``log`` is the append-only
file; ``register`` replays it; ``store`` answers what is in force; ``operations`` propose, sign and adopt;
``verify`` only reads.
"""
