"""Storage: raw store, model runner, checks, publishing, run log, queries."""
