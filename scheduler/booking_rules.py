"""Why a session, a promise or a worker will not do for a booking; the taking of places decides once more."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Hold, Promise
from models.parties import ExamBody, Recusal, Worker
from models.sessions import Claim, Session, SessionStaff
from models.vocabulary import HoldState, PromiseState, ResourceKind, SessionState
from scheduler.allocation.rules import is_recused
from scheduler.calendar import SHANGHAI
from scheduler.candidates import standings_of
from scheduler.catalogue import exam_in_force
from scheduler.eligibility import BOOKING_RULES, Occasion, why_not
from scheduler.refusals import Code, Refusal, Refused, refuse
from scheduler.shares import Share

MOST_PEOPLE = 200
NOT_YET = (SessionState.PROPOSED, SessionState.AGREED)
OVERLAPS = "The worker is in another session at this time: choose another session, or cancel that place."
STAFF_RECUSED = "An examiner of this session must not examine your firm's people: choose another, or ask the bureau."
CALLED_OFF = (SessionState.DROPPED, SessionState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Names:
    """The people a firm names, as they stand in the input: a list, or one person's field."""

    worker_ids: tuple[int, ...]
    path: tuple[str, ...] = ("input", "workerIds")
    is_list: bool = True
    leaving_id: int | None = None  # the session that they give up for this one

    def path_of(self, at: int) -> tuple[str, ...]:
        """The input field of the person at this place."""
        return (*self.path, str(at)) if self.is_list else self.path


def refuse_wrong_number(names: Names) -> None:
    """
    Somebody has to be named, and not the whole town.

    Raises:
        Refused: BAD_INPUT for nobody, OUT_OF_RANGE for too many.
    """
    if not names.worker_ids:
        raise refuse(Code.BAD_INPUT, "Nobody is named: name one worker at least.", *names.path)
    if len(names.worker_ids) > MOST_PEOPLE:
        raise refuse(Code.OUT_OF_RANGE, f"Name {MOST_PEOPLE} people at most at a time.", *names.path)


def refuse_wrong_people(people: int, *path: str) -> None:
    """
    One place at least, and not the whole town's.

    Raises:
        Refused: OUT_OF_RANGE.
    """
    if not 1 <= people <= MOST_PEOPLE:
        raise refuse(Code.OUT_OF_RANGE, f"Choose 1 to {MOST_PEOPLE} places.", *path)


def why_not_session(session: Session, *, now: datetime) -> Refusal | None:
    """Names are taken from publication until the roster freezes."""
    if session.state in NOT_YET:
        return Refusal(Code.WRONG_STATE, "The session is not published yet: book once it is.")
    if session.state in CALLED_OFF:
        return Refusal(Code.WRONG_STATE, "The session was called off: choose another session.")
    if session.state is not SessionState.PUBLISHED or session.roster_freezes_at <= now:
        return Refusal(Code.ROSTER_FROZEN, f"The roster is frozen since {in_words(session.roster_freezes_at)}.")
    return None


def why_not_first_come(session: Session, *, now: datetime) -> Refusal | None:
    """While a ranked window stands, nobody takes its places by coming first."""
    if session.ranked_until is None:
        return None
    until = in_words(session.ranked_until)
    if session.ranked_until <= now:
        message = (
            f"Applications for this session's places ended at {until} and are being ranked: ask again in a moment."
        )
    else:
        message = f"This session's open places are ranked: apply until {until} (rankedWindowApply)."
    return Refusal(Code.RANKED_WINDOW, message)


def why_not_promise(promise: Promise, people: int, *, now: datetime) -> Refusal | None:
    """A promise is named in its time, and no more people than it has places for."""
    if promise.state is PromiseState.USED:
        return Refusal(Code.FULL, "Everybody of this promise is named: cancel or substitute somebody.")
    if promise.state is PromiseState.RELEASED or promise.held_until <= now:
        until = in_words(promise.held_until)
        return Refusal(Code.PROMISE_LAPSED, f"The places were held until {until}: book open places of the session.")
    if promise.state is not PromiseState.HELD:
        return Refusal(Code.WRONG_STATE, "The promise is not published: wait for the round's publication.")
    left = promise.people - promise.named
    if people > left:
        return Refusal(Code.OUT_OF_RANGE, f"The promise has {left} places left: name {left} people at most.")
    return None


def why_not_hold(hold: Hold, people: int, *, now: datetime) -> Refusal | None:
    """A hold is named in its minutes, and no more people than it has places for."""
    if hold.state is HoldState.USED:
        return Refusal(Code.FULL, "Everybody of this hold is named: choose places for others.")
    if hold.state is HoldState.RELEASED:
        return Refusal(Code.WRONG_STATE, "The held places were given back: choose places anew.")
    if hold.state is HoldState.LAPSED or hold.held_until <= now:
        message = f"The places were held until {in_words(hold.held_until)} and are open to everyone: choose anew."
        return Refusal(Code.HOLD_LAPSED, message)
    left = hold.people - hold.named
    if people > left:
        return Refusal(Code.OUT_OF_RANGE, f"{left} held places have no name yet: name {left} people at most.")
    return None


def why_not_size(session: Session, people: int) -> Refusal | None:
    """Nobody waits for more places than a session has."""
    if people <= session.places:
        return None
    message = f"The session has {session.places} places in all: split your group over several sessions."
    return Refusal(Code.OUT_OF_RANGE, message)


def why_not_share(share: Share, people: int) -> Refusal | None:
    """One firm takes a part of a session's open places, not all of them."""
    if people <= share.left:
        return None
    message = (
        f"A firm takes {share.most} places ({share.percent:g} %) of this session at most, and you have {share.has}:"
        " choose fewer, or another session."
    )
    return Refusal(Code.OVER_SHARE, message)


def refuse_for(reason: Refusal | None, *path: str) -> None:
    """
    Go on unless there is a reason not to.

    Raises:
        Refused: The reason, about the input field at the path.
    """
    if reason:
        raise Refused(replace(reason, path=path))


def in_words(moment: datetime) -> str:
    """A moment as people in Shanghai say it."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


async def refuse_unfit(db: AsyncSession, session: Session, names: Names, *, enterprise_id: int, now: datetime) -> None:
    """
    Judge everybody named by every rule; the workers stay locked, so that nobody is booked twice at once.

    Raises:
        Refused: Every reason of every person, in the order of the input.
    """
    workers = await lock_workers(db, names, enterprise_id=enterprise_id)
    if found := await unfit(db, session, names, workers, enterprise_id=enterprise_id, now=now):
        raise Refused(*found)


async def unfit(
    db: AsyncSession,
    session: Session,
    names: Names,
    workers: Sequence[Worker],
    *,
    enterprise_id: int,
    now: datetime,
) -> list[Refusal]:
    """Every reason against everybody named, in the order of the input; `workers` are those who are the firm's own."""
    reasons = await reasons_against(
        db, session, workers, leaving_id=names.leaving_id, enterprise_id=enterprise_id, now=now
    )
    counted = Counter(names.worker_ids)
    found: list[Refusal] = []
    for at, worker_id in enumerate(names.worker_ids):
        mine = reasons.get(worker_id, [not_yours(worker_id)])
        if counted[worker_id] > 1 and at > names.worker_ids.index(worker_id):
            mine = [Refusal(Code.SAME_PERSON_TWICE, "This person is named twice: name each once.", (), worker_id)]
        found += [replace(reason, path=names.path_of(at)) for reason in mine]
    return found


def not_yours(worker_id: int) -> Refusal:
    """The one answer for another firm's worker and for nobody: it says nothing about who exists."""
    message = "This worker is not registered with your firm: register or choose your own."
    return Refusal(Code.NOT_YOUR_WORKER, message, (), worker_id)


async def lock_workers(db: AsyncSession, names: Names, *, enterprise_id: int) -> Sequence[Worker]:
    """The firm's own workers among those named, locked in id order."""
    return (await db.exec(own_among(names, enterprise_id).with_for_update(key_share=True))).all()


def own_among(names: Names, enterprise_id: int) -> SelectOfScalar[Worker]:
    """The firm's own workers among those named, in id order."""
    own = select(Worker).where(col(Worker.id).in_(names.worker_ids), col(Worker.enterprise_id) == enterprise_id)
    return own.order_by(col(Worker.id))


async def reasons_against(  # noqa: PLR0913  # whom, where, instead of what, by whom and when
    db: AsyncSession,
    session: Session,
    workers: Sequence[Worker],
    *,
    leaving_id: int | None,
    enterprise_id: int,
    now: datetime,
    asked_at: datetime | None = None,
) -> dict[int, list[Refusal]]:
    """
    Every reason against a firm's workers, empty for those who may come; the session they leave is none.

    Age counts on application: `asked_at`, where that was earlier than now.
    """
    firms = {worker.id: enterprise_id for worker in workers}
    return await reasons_by_firm(db, session, workers, firms, leaving_id=leaving_id, now=now, asked_at=asked_at)


async def reasons_by_firm(  # noqa: PLR0913  # whom of whose, where, instead of what, when, and when asked for
    db: AsyncSession,
    session: Session,
    workers: Sequence[Worker],
    firms: Mapping[int, int],
    *,
    leaving_id: int | None = None,
    now: datetime,
    asked_at: datetime | None = None,
) -> dict[int, list[Refusal]]:
    """The same for the workers of several firms, in a constant number of statements."""
    today = now.astimezone(SHANGHAI).date()
    asked_on = (asked_at or now).astimezone(SHANGHAI).date()
    exam = await exam_in_force(db, session.exam_id, bureau_id=session.bureau_id, on=session.day)
    body = (await db.exec(select(ExamBody).where(col(ExamBody.id) == session.exam_body_id))).one()
    standings = await standings_of(db, workers, exam.exam, gated=body.is_gated, today=today)
    occasion = Occasion(enterprise_id=0, rule=exam.item_rule, on=session.day, asked_on=asked_on)
    busy = await busy_among(db, session, [worker.id for worker in workers], leaving_id=leaving_id)
    recused = await recused_from(db, session)
    return {
        worker_id: [
            *why_not(standing.without(leaving_id), replace(occasion, enterprise_id=firms[worker_id]), BOOKING_RULES),
            *([Refusal(Code.OVERLAPS, OVERLAPS, (), worker_id)] if worker_id in busy else []),
            *(
                [Refusal(Code.STAFF_RECUSED, STAFF_RECUSED, (), worker_id)]
                if is_recused(firms[worker_id], recused)
                else []
            ),
        ]
        for worker_id, standing in standings.items()
    }


async def recused_from(db: AsyncSession, session: Session) -> set[int]:
    """The enterprises whose people somebody on duty at the session must not examine."""
    duties = select(col(Recusal.enterprise_id)).join(
        SessionStaff, col(SessionStaff.examiner_id) == col(Recusal.examiner_id)
    )
    return set((await db.exec(duties.where(col(SessionStaff.session_id) == session.id))).all())


async def busy_among(
    db: AsyncSession, session: Session, worker_ids: Sequence[int], *, leaving_id: int | None
) -> set[int]:
    """Those of the workers whose time is claimed by another session that they keep while this one lasts."""
    claims = select(col(Claim.resource_id)).where(
        col(Claim.resource) == ResourceKind.WORKER,
        col(Claim.resource_id).in_(worker_ids),
        col(Claim.session_id).not_in([session.id, leaving_id or session.id]),
        col(Claim.during).op("&&")(func.tstzrange(session.starts_at, session.ends_at)),
    )
    return set((await db.exec(claims)).all())


def full(left: int, people: int) -> Refusal:
    """What is said where too few places are open."""
    if left > 0:
        return Refusal(
            Code.FULL, f"You want {people} places, and {left} are left: take fewer, or see the alternatives."
        )
    return Refusal(Code.FULL, "No place is open: see the alternatives, or ask for places in a request.")
