"""What an invariant is: a name, the sentence it promises, and the statement that finds every row that breaks it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One row that breaks one invariant, with the numbers that show it."""

    invariant: str
    entity: str
    entity_id: int
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What looking at one invariant came to."""

    name: str
    sentence: str
    checked: int
    violations: tuple[Violation, ...]

    @property
    def holds(self) -> bool:
        """Whether no row breaks it."""
        return not self.violations


Look = Callable[[AsyncSession], Awaitable[tuple[int, list[Violation]]]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """
    A promise, and how it is looked at.

    `counted` says how many rows are looked at, `query` gives (entity, entity_id, found) for each that breaks it. What
    SQL cannot decide has a `look` of its own instead.
    """

    name: str
    sentence: str
    counted: str = ""
    query: str = ""
    look: Look | None = None

    async def verdict(self, db: AsyncSession) -> Verdict:
        """Look at the rows."""
        checked, violations = await (self.look(db) if self.look else self._asked(db))
        return Verdict(self.name, self.sentence, checked, tuple(sorted(violations)))

    async def _asked(self, db: AsyncSession) -> tuple[int, list[Violation]]:
        connection = await db.connection()
        checked = (await connection.execute(text(self.counted))).scalar_one()
        rows = (await connection.execute(text(self.query))).all()
        return checked, [Violation(self.name, *row) for row in rows]
