"""Comparators of the hedge: what else an account could have held, decided, traded and booked by the hedge's own code.

`catalogue` lists them with whose rule each is, `build` makes them by name; `futures`, `notes`, `veqtor`, `tail_calls`,
`ladder` and `basis` say what they want at each close, `calls` and `rolls` which calls and months there are.
"""

from __future__ import annotations

from transforms.benchmarks.basis import compute_basis_hedge, read_basis_rules
from transforms.benchmarks.build import Benchmark, BenchmarkInputs, BookedBenchmark, book_benchmark, build_benchmark
from transforms.benchmarks.calls import OptionSource
from transforms.benchmarks.catalogue import BenchmarkInfo, benchmark_parameters, list_benchmarks

__all__ = [
    "Benchmark",
    "BenchmarkInfo",
    "BenchmarkInputs",
    "BookedBenchmark",
    "OptionSource",
    "benchmark_parameters",
    "book_benchmark",
    "build_benchmark",
    "compute_basis_hedge",
    "list_benchmarks",
    "read_basis_rules",
]
