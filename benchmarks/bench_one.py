"""Run one task in one library in this process; print CPU, wall and memory as JSON.

usage: python bench_one.py TABLE.pkl TASK LIBRARY REPEATS
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import pandas as pd
from bench_cases import CASES


def main() -> None:
    path, task, library, repeats = sys.argv[1:]
    warnings.simplefilter("ignore")
    data = pd.read_pickle(path)
    before = peak()
    runs = []
    for _ in range(int(repeats) + 1):
        cpu, wall = time.process_time(), time.perf_counter()
        answer = CASES[task][library](data)
        runs.append((time.process_time() - cpu, time.perf_counter() - wall))
    warm = sorted(runs[1:]) or runs
    middle = warm[len(warm) // 2]
    found = {
        "cpu_seconds": middle[0],
        "wall_seconds": middle[1],
        "cold_wall_seconds": runs[0][1],
        "peak_mb": peak(),
        "table_mb": before,
        "estimate": answer[0],
        "std_error": answer[1],
    }
    print("RESULT " + json.dumps(found))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
