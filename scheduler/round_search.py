"""The search for a round's plan while it runs: its progress is written as it goes, and the bureau may end it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import timedelta
from typing import Protocol

import structlog
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.rounds import Round
from models.vocabulary import RoundState
from scheduler.callers import Caller
from scheduler.journal import note
from scheduler.leases import Claim, FencedOff
from scheduler.refusals import Code, refuse
from scheduler.rounds import fall_back, has_plan, lock_round
from scheduler.solving import Answer, Hear, Progress

BETWEEN_LOOKS = timedelta(seconds=1)

log = structlog.get_logger()


class Search(Protocol):
    """A search that tells of its progress and ends early when there is enough."""

    def __call__(self, *, hear: Hear, enough: asyncio.Event) -> Awaitable[Answer]:
        """Search."""


async def watched(database: Database, held: Claim, search: Search) -> Answer:
    """
    Search, with its progress in the round's row; the bureau's wish to end it is seen within a second.

    Raises:
        FencedOff: The round was called off, given up or claimed by another worker meanwhile.
    """
    latest: list[Progress] = []
    enough = asyncio.Event()
    searching = asyncio.ensure_future(search(hear=latest.append, enough=enough))
    try:
        while not searching.done():
            await asyncio.wait({searching}, timeout=BETWEEN_LOOKS.total_seconds())
            try:
                wants_an_end = await _told(database, held, latest)
            except (DBAPIError, OSError) as error:  # the database may be away for a while; the search goes on
                log.warning("progress_not_written", round=held.row_id, failure=type(error).__name__)
                continue
            if wants_an_end:
                enough.set()
        return searching.result()
    finally:
        searching.cancel()
        await asyncio.gather(searching, return_exceptions=True)


async def _told(database: Database, held: Claim, latest: list[Progress]) -> bool:
    """Write the latest progress down, if there is news; whether the bureau has had enough."""
    own = (col(Round.id) == held.row_id, col(Round.claim) == held.number, col(Round.leased_until).is_not(None))
    async with database.engine.begin() as connection:
        if latest:
            news = asdict(latest[-1])
            latest.clear()
            await connection.execute(update(Round).where(*own).values(progress=news))
        stop: bool | None = (await connection.execute(select(col(Round.stop_search)).where(*own))).scalar_one_or_none()
    if stop is None:
        raise FencedOff(f"round {held.row_id} is not this worker's any more")
    return stop


async def stop_search(db: AsyncSession, round_id: int, *, keep_best: bool, caller: Caller) -> Round:
    """
    End the search for a round's plan: with the best plan so far, or by giving it up for the plan before it.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE where nothing is searched for, or where there is no plan before.
    """
    planned = await lock_round(db, round_id, caller=caller)
    if planned.state is not RoundState.PLANNING:
        raise refuse(Code.WRONG_STATE, "No plan is being searched for: there is nothing to end.", "input", "roundId")
    if keep_best:
        planned.stop_search = True
        await db.flush()
    elif await has_plan(db, planned):
        await fall_back(db, planned)
    else:
        message = "This is the round's first plan: keep the best so far, or call the round off (roundCancel)."
        raise refuse(Code.WRONG_STATE, message, "input", "keepBest")
    await note(db, "search ended", "round", planned.id, best_kept=keep_best)
    return planned
