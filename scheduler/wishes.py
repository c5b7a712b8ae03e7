"""What the rules ask for in a firm's place: requests for its people that it finds open, or accepts or declines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.demand import Request, RequestPerson
from models.parties import Enterprise
from models.vocabulary import RequestOrigin, RequestState
from scheduler.calendar import SHANGHAI
from scheduler.candidates import upcoming_of
from scheduler.demand import STANDING
from scheduler.outbox import send
from scheduler.policy import Policy

# What the firm is told: the subject of the message, and its text.
MESSAGES: Mapping[RequestOrigin, tuple[str, str]] = {
    RequestOrigin.NEXT_SUBJECT: (
        "Next subject",
        "{people} of your people passed; the practical is asked for between {first} and {last}.",
    ),
    RequestOrigin.RETAKE: (
        "Retake",
        "{people} of your people may sit again between {first} and {last}: accept the proposed request, or decline.",
    ),
    RequestOrigin.NOT_RENEWED: (
        "Exam instead of a renewal",
        "A certificate is not renewed: accept the proposed exam between {first} and {last}, or decline.",
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """An exam between two days, why it is wished for, and whether the firm has to accept it."""

    exam_id: int
    origin: RequestOrigin
    state: RequestState
    earliest_day: date
    latest_day: date


def first_day(policy: Policy, *, now: datetime) -> date:
    """The first day that a plan made now can be public ahead of."""
    return now.astimezone(SHANGHAI).date() + timedelta(days=policy.publish_lead_days)


async def ask(
    db: AsyncSession, enterprise: Enterprise, worker_ids: Sequence[int], wish: Wish, *, now: datetime
) -> None:
    """One request for the firm with the people it is about, and a message."""
    request = Request(
        enterprise_id=enterprise.id,
        exam_id=wish.exam_id,
        people=len(worker_ids),
        earliest_day=wish.earliest_day,
        latest_day=wish.latest_day,
        latitude=enterprise.latitude,
        longitude=enterprise.longitude,
        origin=wish.origin,
        state=wish.state,
        asked_at=now,
    )
    db.add(request)
    await db.flush()
    db.add_all(RequestPerson(request_id=request.id, worker_id=worker_id) for worker_id in worker_ids)
    subject, text = MESSAGES[wish.origin]
    body = text.format(people=len(worker_ids), first=wish.earliest_day, last=wish.latest_day)
    send(db, recipient=f"enterprise:{enterprise.id}", subject=subject, body=body, now=now)
    await db.flush()


async def waiting_among(db: AsyncSession, worker_ids: Sequence[int], exam_id: int) -> set[int]:
    """Those of the workers who are asked for already, or booked."""
    asked = (
        select(col(RequestPerson.worker_id))
        .join(Request, col(Request.id) == col(RequestPerson.request_id))
        .where(
            col(RequestPerson.worker_id).in_(worker_ids),
            col(Request.exam_id) == exam_id,
            col(Request.state).in_(STANDING),
        )
    )
    return set((await db.exec(asked)).all()) | set(await upcoming_of(db, worker_ids, exam_id))
