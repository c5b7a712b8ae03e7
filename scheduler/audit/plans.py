"""Plans: each one that stands is read back, priced again, and held against the sessions made from it."""

import math
from collections.abc import Iterator

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Plan as PlanRow
from models.vocabulary import PlanState
from scheduler.allocation.errors import PlanError, ProblemError
from scheduler.allocation.index import Index
from scheduler.allocation.objective import terms_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.audit.invariant import Invariant, Violation

NAME = "plans-cost-what-they-say"
# Costs are sums of floats of up to 10⁹ fen, added up in another order.
TOLERANCE = 1e-6


async def look_at_plans(db: AsyncSession) -> tuple[int, list[Violation]]:
    """Price every current plan again."""
    rows = (
        await db.exec(select(PlanRow).where(col(PlanRow.state) == PlanState.CURRENT).order_by(col(PlanRow.id)))
    ).all()
    return len(rows), [Violation(NAME, "plan", row.id, found) for row in rows for found in faults_of(row)]


def faults_of(row: PlanRow) -> Iterator[str]:
    """What is wrong with a plan's documents and numbers."""
    try:
        problem, plan = Problem.from_json(row.problem), Plan.from_json(row.answer)
        priced = math.fsum(terms_of(Index.of(problem), plan.sessions).values())
    except (ProblemError, PlanError, KeyError) as error:
        yield f"cannot be read: {error}"
        return
    for said, cost in (("answer says", plan.objective), ("row says", row.cost_fen)):
        if not math.isclose(cost, priced, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{said} {cost:.2f} fen, its sessions cost {priced:.2f}"
    if row.bound_fen > row.cost_fen * (1 + TOLERANCE) + TOLERANCE:
        yield f"costs {row.cost_fen:.2f} fen, below its bound of {row.bound_fen:.2f}"


PLANS = (
    Invariant(
        name=NAME,
        sentence="A current plan costs what pricing its sessions again comes to, and no less than its bound.",
        look=look_at_plans,
    ),
)
