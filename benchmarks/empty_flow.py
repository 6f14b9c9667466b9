"""A Prefect flow with as many tasks as a night, which do nothing: what Prefect itself costs.

python -m benchmarks.empty_flow
"""

from __future__ import annotations

import flows.prefect_env  # isort: skip  # noqa: F401 - the same settings as a night
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

TASKS = ("fetch", "land", "build", "check", "publish", "report")


@task(cache_policy=NO_CACHE, persist_result=False)
def step(name: str) -> str:
    return name


@flow(name="empty", persist_result=False)
def empty() -> None:
    for name in TASKS:
        step(name)


if __name__ == "__main__":
    empty()
