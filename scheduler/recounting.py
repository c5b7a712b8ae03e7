"""Holds a published ranking against the rows behind it: for `doorstep recount` and the auditor alike."""

from collections.abc import Iterator, Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.vocabulary import ApplicationState
from models.windows import Application, RankedWindow
from scheduler.ranking import NoRanking, Published, read, recount


class NotRanked(LookupError):
    """There is no such window, or it has no result."""


async def document_of(db: AsyncSession, window_id: int) -> Published:
    """
    The document that was published of a window.

    Raises:
        NotRanked: There is none.
        NoRanking: It cannot be read.
    """
    window = (await db.exec(select(RankedWindow).where(col(RankedWindow.id) == window_id))).one_or_none()
    if window is None or window.document is None:
        message = f"window {window_id} has no result: it is not there, or was not ranked"
        raise NotRanked(message)
    return read(window.document)


async def rows_differ(db: AsyncSession, document: Published) -> list[str]:
    """Where a window's rows say something else than its document."""
    window = (await db.exec(select(RankedWindow).where(col(RankedWindow.id) == document.window))).one_or_none()
    if window is None:
        return [f"the document is of window {document.window}, which is not there"]
    applied = select(Application).where(col(Application.window_id) == window.id, col(Application.position).is_not(None))
    return list(behind(window, document, (await db.exec(applied.order_by(col(Application.position)))).all()))


def faults_of(window: RankedWindow, applications: Sequence[Application]) -> list[str]:
    """Everything that is wrong with a ranked window: its own arithmetic, and the rows behind it."""
    try:
        document = read(window.document)
    except NoRanking as error:
        return [f"cannot be read: {error}"]
    return [*recount(document), *behind(window, document, applications)]


def behind(window: RankedWindow, document: Published, applications: Sequence[Application]) -> Iterator[str]:
    """Where the rows of a window and its applications, in their order, are not what was published of them."""
    if document.window != window.id:
        yield f"the document is of window {document.window}"
    if (document.hash, document.seed, document.seed_hash) != (window.result_hash, window.seed, window.seed_hash):
        yield "the window's own seed or hash is another"
    said = [(each.key, each.people, each.deadline, each.since, each.placed) for each in document.entries]
    kept = [
        (row.key, row.people, row.deadline, row.since, row.state is ApplicationState.PLACED) for row in applications
    ]
    if len(said) != len(kept):
        yield f"{len(said)} entries, {len(kept)} applications ranked"
    yield from (
        f"position {at} says {entry}, its application {row}"
        for at, (entry, row) in enumerate(zip(said, kept, strict=False), 1)
        if entry != row
    )
