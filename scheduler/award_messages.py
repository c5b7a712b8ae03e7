"""What a ranked window's result says to the firms that applied."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.parties import Worker
from models.sessions import Session
from models.windows import Application
from scheduler.outbox import send
from scheduler.refusals import Refusal

RECOUNT = "The whole order is published; find your key in it, and recount it."


def tell_placed(db: AsyncSession, session: Session, row: Application, *, ranked: int, now: datetime) -> None:
    """The people have their places."""
    body = (
        f"{row.people} of your people are booked on {session.day} ({session.part.value}): your application"
        f" {row.key} is number {row.position} of {ranked}. {RECOUNT}"
    )
    send(db, recipient=f"enterprise:{row.enterprise_id}", subject="Places won (排序中签)", body=body, now=now)


def tell_queued(db: AsyncSession, session: Session, row: Application, *, ranked: int, now: datetime) -> None:
    """The people wait for what is given back; meanwhile there are other sessions."""
    body = (
        f"There was no place for {row.people} of your people on {session.day} ({session.part.value}): your application"
        f" {row.key} is number {row.position} of {ranked}. They wait in the session's queue in this order; the"
        f" application names other sessions with places. {RECOUNT}"
    )
    send(db, recipient=f"enterprise:{row.enterprise_id}", subject="No place, queued (排序候补)", body=body, now=now)


def tell_unfit(
    db: AsyncSession,
    session: Session,
    row: Application,
    out: Sequence[tuple[Worker, Sequence[Refusal]]],
    *,
    now: datetime,
) -> None:
    """Who may not sit any more, with every reason."""
    said = " ".join(f"{worker.name}: {' '.join(reason.message for reason in reasons)}" for worker, reasons in out)
    body = f"Not ranked for {session.day} ({session.part.value}), because they may not sit there any more. {said}"
    send(db, recipient=f"enterprise:{row.enterprise_id}", subject="Not ranked (未参加排序)", body=body, now=now)
