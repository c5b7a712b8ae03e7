"""The auditor: looks at every invariant, and names what breaks it."""

from sqlmodel.ext.asyncio.session import AsyncSession

from scheduler.audit.certificates import CERTIFICATES
from scheduler.audit.claims import CLAIMS
from scheduler.audit.consultation import CONSULTATION
from scheduler.audit.counts import COUNTS
from scheduler.audit.deliveries import DELIVERIES
from scheduler.audit.displacement import DISPLACEMENT
from scheduler.audit.grants import GRANTS
from scheduler.audit.history import HISTORY
from scheduler.audit.invariant import Invariant, Verdict, Violation
from scheduler.audit.plans import PLANS
from scheduler.audit.results import RESULTS
from scheduler.audit.runs import RUNS
from scheduler.audit.windows import WINDOWS

INVARIANTS: tuple[Invariant, ...] = (
    *COUNTS,
    *GRANTS,
    *CLAIMS,
    *CONSULTATION,
    *HISTORY,
    *PLANS,
    *DELIVERIES,
    *DISPLACEMENT,
    *RESULTS,
    *CERTIFICATES,
    *WINDOWS,
    *RUNS,
)


async def verdicts(db: AsyncSession) -> list[Verdict]:
    """
    Look at every invariant, in a number of statements that does not grow with the rows.

    Each is decided by one statement, hence on one state of the database, so that it may run while others write.
    """
    return [await invariant.verdict(db) for invariant in INVARIANTS]


async def audit(db: AsyncSession) -> list[Violation]:
    """Name every row that breaks an invariant; none when all hold."""
    return [violation for verdict in await verdicts(db) for violation in verdict.violations]
