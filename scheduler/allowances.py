"""How much each party may ask of the service: a leaky bucket, shared by all processes that serve it."""

from dataclasses import dataclass, replace

from models.database import Database
from models.vocabulary import Role
from scheduler.callers import Caller

# Officials, exam bodies and auditors work for many firms at once.
FOR_MANY = 5
TO_MANY = (Role.OFFICE, Role.TOWN, Role.BUREAU, Role.EXAM_BODY, Role.AUDITOR, Role.OPERATOR)

# One statement, and the database's own clock: whoever comes at the same time waits for the row, and sees what is left.
CHARGE = """
WITH charged AS (
    INSERT INTO cost_bucket AS bucket (holder, level, at) SELECT $1::text, $2::float8, clock_timestamp() WHERE $2 <= $3
    ON CONFLICT (holder) DO UPDATE
       SET level = greatest(0, bucket.level - $4 * extract(epoch FROM clock_timestamp() - bucket.at)) + $2,
           at = clock_timestamp()
     WHERE greatest(0, bucket.level - $4 * extract(epoch FROM clock_timestamp() - bucket.at)) + $2 <= $3
    RETURNING level
)
SELECT level, true AS is_paid FROM charged
UNION ALL
SELECT greatest(0, level - $4 * extract(epoch FROM clock_timestamp() - at)), false FROM cost_bucket
 WHERE holder = $1 AND NOT EXISTS (SELECT FROM charged)
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that a party may ask at once, and how much of it comes back each second."""

    most: int = 30_000
    a_second: float = 1_000

    def of(self, caller: Caller) -> "Allowance":
        """The allowance of the caller's party, by its role."""
        times = FOR_MANY if caller.role in TO_MANY else 1
        return replace(self, most=self.most * times, a_second=self.a_second * times)


@dataclass(frozen=True, slots=True)
class Charge:
    """What an operation costs, and what is left of its party's allowance; unpaid where too little is left."""

    cost: int
    allowance: Allowance
    used: float
    is_paid: bool

    @property
    def remaining(self) -> int:
        """What may still be asked at this moment."""
        return max(0, int(self.allowance.most - self.used))

    def seconds_until(self, left: float) -> float:
        """In how many seconds so much is left again."""
        return max(0.0, (self.used + left - self.allowance.most) / self.allowance.a_second)


def holder_of(caller: Caller) -> str:
    """Whose allowance it is: the party's, however many accounts act for it; an auditor's or operator's is its own."""
    for party in ("enterprise", "jurisdiction", "exam_body", "examiner"):
        if (row_id := getattr(caller, f"{party}_id")) is not None:
            return f"{party}:{row_id}"
    return caller.actor


async def charge(database: Database, caller: Caller, cost: int, allowance: Allowance) -> Charge:
    """Take the cost out of the party's allowance, if so much is left."""
    own = allowance.of(caller)
    async with database.at_once() as connection:
        row = await connection.fetchrow(CHARGE, holder_of(caller), float(cost), float(own.most), float(own.a_second))
    # No row: the first request is beyond all, or somebody opened the bucket in this very moment, and filled it.
    used, is_paid = (row["level"], row["is_paid"]) if row else (float(own.most), False)
    return Charge(cost, own, used, is_paid)
