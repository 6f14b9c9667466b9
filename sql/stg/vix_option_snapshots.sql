-- model: stg.vix_option_snapshots
-- grain: snapshot_at_utc
-- reads: raw.vix_option_quotes
-- what: every stored snapshot of the VIX option chain, the session it is of, and whether it is used
-- source: Cboe delayed quotes; the rule is in transforms/options/snapshots.py
-- edge: the first snapshot after a session's close is used; one taken during a session, or showing the index of another one, is kept and not used
-- compute: transforms.options.models.compute_snapshot_sessions
-- as times of UTC without a zone: a frame's instants would go through a conversion that pandas deprecates
select
    snapshot_at_utc at time zone 'UTC' as snapshot_at_utc,
    max(index_at_utc) at time zone 'UTC' as index_at_utc
from raw.vix_option_quotes
group by all
