"""The one place that talks to HiGHS: a linear model with whole numbers in, values and a bound out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import highspy
import numpy as np

from scheduler.allocation.space import Floats, Ints

INFINITY = math.inf


@dataclass(slots=True)
class Model:
    """A linear model while it is written: columns and rows in the order they are added."""

    cost: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    whole: list[Floats] = field(default_factory=list)
    columns: int = 0
    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    rows: int = 0
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def add_columns(self, cost: Floats, upper: Floats, *, whole: bool) -> Ints:
        """Add variables from zero to their upper bounds; returns their positions."""
        at = np.arange(self.columns, self.columns + len(cost))
        self.cost.append(np.asarray(cost, float))
        self.upper.append(np.broadcast_to(np.asarray(upper, float), (len(cost),)))
        self.whole.append(np.full(len(cost), float(whole)))
        self.columns += len(cost)
        return at

    def soften(self, columns: Ints) -> None:
        """Let columns take fractions."""
        whole = np.concatenate(self.whole)
        whole[columns] = 0.0
        self.whole = [whole]

    def close(self, columns: Ints) -> None:
        """Keep columns at zero."""
        upper = np.concatenate(self.upper)
        upper[columns] = 0.0
        self.upper = [upper]

    def add_rows(self, count: int, *, low: Floats | float = -INFINITY, high: Floats | float = INFINITY) -> Ints:
        """Add rows without entries; returns their positions."""
        at = np.arange(self.rows, self.rows + count)
        self.low.append(np.broadcast_to(np.asarray(low, float), (count,)))
        self.high.append(np.broadcast_to(np.asarray(high, float), (count,)))
        self.rows += count
        return at

    def put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        """Set entries; several at one spot add up."""
        rows = np.asarray(rows, np.int64)
        self.entries.append(
            (rows, np.asarray(columns, np.int64), np.broadcast_to(np.asarray(values, float), rows.shape))
        )


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How hard to try.

    Attributes:
        seconds: By the clock; the only limit that makes two runs differ.
        gap: Good enough, as a share of the objective.
        nodes: Most branches to look at.
        relaxed: Whether fractions are allowed.
    """

    seconds: float = INFINITY
    gap: float = 0.0
    nodes: int | None = None
    seed: int = 0
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What came of a model.

    Attributes:
        values: By column; None where no solution was found.
        bound: No solution can cost less.
        proven: Whether the values are the best possible.
        impossible: Whether there is no solution at all.
        timed_out: Whether the clock or a cancellation ended it.
    """

    values: Floats | None
    cost: float
    bound: float
    proven: bool
    impossible: bool
    timed_out: bool


def solve(
    model: Model,
    effort: Effort,
    *,
    start: Floats | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Minimise a model's cost, from a known solution if there is one."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in settings(effort).items():
        highs.setOptionValue(name, value)
    if stop is not None:
        asked = stop
        for event in (highs.cbMipInterrupt, highs.cbSimplexInterrupt):
            event.subscribe(lambda told: told.interrupt() if asked() else None)
    if highs.passModel(as_highs(model, relaxed=effort.relaxed)) == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS refuses the model")
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        highs.setSolution(known)
    highs.run()
    return outcome_of(highs, relaxed=effort.relaxed)


def settings(effort: Effort) -> dict[str, bool | int | float | str]:
    """An effort in HiGHS's words; one thread, so that other components can use the rest."""
    chosen: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": effort.seed,
        "mip_rel_gap": effort.gap,
        "mip_abs_gap": 1e-6,
        # Starting over at the root costs more than it finds on models of this size.
        "mip_allow_restart": False,
        "time_limit": max(0.05, effort.seconds),
    }
    if effort.nodes is not None:
        chosen["mip_max_nodes"] = effort.nodes
    return chosen


def as_highs(model: Model, *, relaxed: bool) -> highspy.HighsLp:
    """The model in HiGHS's form, by row."""
    rows, columns, values = (np.concatenate(part) if part else np.zeros(0) for part in zip(*model.entries, strict=True))
    order = np.lexsort((columns, rows))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.columns, model.rows
    lp.col_cost_, lp.col_upper_ = np.concatenate(model.cost), np.concatenate(model.upper)
    lp.col_lower_ = np.zeros(model.columns)
    lp.row_lower_ = np.concatenate(model.low) if model.low else np.zeros(0)
    lp.row_upper_ = np.concatenate(model.high) if model.high else np.zeros(0)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = model.columns, model.rows
    lp.a_matrix_.start_ = np.searchsorted(rows[order], np.arange(model.rows + 1)).astype(np.int32)
    lp.a_matrix_.index_ = columns[order].astype(np.int32)
    lp.a_matrix_.value_ = values[order]
    if not relaxed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in np.concatenate(model.whole)]
    return lp


def outcome_of(highs: highspy.Highs, *, relaxed: bool) -> Outcome:
    """Read what HiGHS found."""
    status, info = highs.getModelStatus(), highs.getInfo()
    statuses = highspy.HighsModelStatus
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    proven = status == statuses.kOptimal
    bound = -INFINITY
    if relaxed:
        bound = info.objective_function_value if proven else -INFINITY
    elif math.isfinite(info.mip_dual_bound):
        bound = info.mip_dual_bound
    return Outcome(
        values=np.array(highs.getSolution().col_value) if found else None,
        cost=info.objective_function_value if found else INFINITY,
        bound=bound,
        proven=proven,
        impossible=status in {statuses.kInfeasible, statuses.kUnboundedOrInfeasible},
        timed_out=status in {statuses.kTimeLimit, statuses.kInterrupt},
    )
