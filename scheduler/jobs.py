"""What a job is: a step that handles due rows, and a statement that says when there will be some."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

Step = Callable[[AsyncSession, datetime], Awaitable[int]]
NextDue = Callable[[], SelectOfScalar[datetime | None]]


@dataclass(frozen=True)
class Job:
    """
    Work that falls due in rows.

    `step` handles a batch of the rows due at the moment it is given, claimed with `FOR UPDATE SKIP LOCKED` in the
    transaction it is given, and says how many; it is called until it says 0. `next_due` selects the earliest moment at
    which it will have something to do, or nothing.
    """

    name: str
    step: Step
    next_due: NextDue
