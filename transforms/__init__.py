"""Pure functions and registries: no clock, network, disk writes, DuckDB or Prefect."""
