"""The working calendar as the bureau has it: the national one with the override table on top."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import CalendarOverride
from scheduler.calendar import DayHours, WorkCalendar


async def work_calendar(db: AsyncSession) -> WorkCalendar:
    """The calendar with every override that is declared."""
    rows = (await db.exec(select(col(CalendarOverride.day), col(CalendarOverride.is_workday)))).all()
    return WorkCalendar(dict(rows), DayHours())
