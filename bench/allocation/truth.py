"""Facility location by one plain strong model in HiGHS: what the allocator is compared with where that is solved."""

from typing import Any

import highspy
import numpy as np

Document = dict[str, Any]


def solved(problem: Document, *, seconds: float) -> tuple[float, float]:
    """Cost and bound of a facility-location problem; they are equal where the optimum was found."""
    sites, customers = problem["sites"], problem["requests"]
    way = np.array([[problem["travel"][c["id"]][s["id"]] for s in sites] for c in customers])
    demand = np.array([c["people"] for c in customers], float)
    places = np.array([s["offers"][0]["places"] for s in sites], float)
    fixed = np.array([s["offers"][0]["open_cost"] for s in sites], float)
    together = any(c["together"] for c in customers)
    n, m = len(customers), len(sites)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = m + n * m, n + m + n * m
    lp.col_cost_ = np.concatenate([fixed, (way * demand[:, None]).reshape(-1)])
    lp.col_lower_, lp.col_upper_ = np.zeros(lp.num_col_), np.ones(lp.num_col_)
    share = m + np.arange(n * m).reshape(n, m)
    rows, columns, values = [], [], []

    def put(row: Any, column: Any, value: Any) -> None:
        spot = np.broadcast_arrays(row, column, value)
        for part, each in zip((rows, columns, values), spot, strict=True):
            part.append(each.reshape(-1))

    put(np.arange(n)[:, None], share, 1.0)
    put(n + np.arange(m)[None, :], share, demand[:, None])
    put(n + np.arange(m), np.arange(m), -places)
    link = n + m + np.arange(n * m).reshape(n, m)
    put(link, share, 1.0)
    put(link, np.arange(m)[None, :], -1.0)
    row, column, value = (np.concatenate(part) for part in (rows, columns, values))
    order = np.lexsort((column, row))
    lp.row_lower_ = np.concatenate([np.ones(n), np.full(m + n * m, -np.inf)])
    lp.row_upper_ = np.concatenate([np.ones(n), np.zeros(m + n * m)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = lp.num_col_, lp.num_row_
    lp.a_matrix_.start_ = np.searchsorted(row[order], np.arange(lp.num_row_ + 1)).astype(np.int32)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = column[order].astype(np.int32), value[order]
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[1]] * m + [kinds[together]] * (n * m)
    return run(lp, seconds)


def run(lp: highspy.HighsLp, seconds: float) -> tuple[float, float]:
    """Let HiGHS solve it, with nothing set but the time and how near is near enough."""
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "time_limit": seconds, "mip_rel_gap": 1e-6}.items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    highs.run()
    info = highs.getInfo()
    return float(info.objective_function_value), float(info.mip_dual_bound)
