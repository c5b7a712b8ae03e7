"""Plans: each one that stands is read back, held to the rules of its problem, and priced again."""

import math
from collections.abc import Callable, Iterator

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Plan as PlanRow
from models.vocabulary import PlanState
from scheduler.allocation.errors import PlanError, ProblemError
from scheduler.allocation.index import Index
from scheduler.allocation.objective import terms_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.verify import verify
from scheduler.audit.invariant import Invariant, Violation

# Costs are sums of floats of up to 10⁹ fen, added up in another order.
TOLERANCE = 1e-6

Faults = Callable[[PlanRow], Iterator[str]]


def priced_wrongly(row: PlanRow) -> Iterator[str]:
    """Where a plan's numbers are not what its own sessions cost."""
    problem, plan = Problem.from_json(row.problem), Plan.from_json(row.answer)
    priced = math.fsum(terms_of(Index.of(problem), plan.sessions).values())
    for said, cost in (("answer says", plan.objective), ("row says", row.cost_fen)):
        if not math.isclose(cost, priced, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{said} {cost:.2f} fen, its sessions cost {priced:.2f}"
    if row.bound_fen > row.cost_fen * (1 + TOLERANCE) + TOLERANCE:
        yield f"costs {row.cost_fen:.2f} fen, below its bound of {row.bound_fen:.2f}"


def breaking_rules(row: PlanRow) -> Iterator[str]:
    """Which rules of its problem a plan breaks."""
    yield from map(str, verify(Problem.from_json(row.problem), Plan.from_json(row.answer)))


def unless_unreadable(row: PlanRow, faults: Faults) -> list[str]:
    """The faults of a plan; a document that cannot be read is one itself."""
    try:
        return list(faults(row))
    except (ProblemError, PlanError, KeyError) as error:
        return [f"cannot be read: {error!r}"]


def plans_checked(name: str, sentence: str, faults: Faults) -> Invariant:
    """An invariant of every current plan, decided in Python."""

    async def look(db: AsyncSession) -> tuple[int, list[Violation]]:
        current = select(PlanRow).where(col(PlanRow.state) == PlanState.CURRENT).order_by(col(PlanRow.id))
        rows = (await db.exec(current)).all()
        return len(rows), [
            Violation(name, "plan", row.id, found) for row in rows for found in unless_unreadable(row, faults)
        ]

    return Invariant(name=name, sentence=sentence, look=look)


PLANS = (
    plans_checked(
        "plans-keep-their-rules",
        "A current plan keeps every rule of its problem, by a check written apart from the solver.",
        breaking_rules,
    ),
    plans_checked(
        "plans-cost-what-they-say",
        "A current plan costs what pricing its sessions again comes to, and no less than its bound.",
        priced_wrongly,
    ),
)
