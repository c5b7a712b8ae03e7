"""Publication: what is agreed becomes public, what is not returns to planning, and nobody is lost."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Promise
from models.demand import Request, RequestPerson
from models.places import SiteClosure
from models.rounds import Consent, Round
from models.sessions import Session, SessionStaff
from models.vocabulary import (
    ConsentParty,
    ConsentState,
    Courtesy,
    PromiseState,
    RequestState,
    RoundState,
    SessionState,
)
from scheduler.calendar import SHANGHAI
from scheduler.calendar_days import work_calendar
from scheduler.callers import Caller
from scheduler.consent_names import names_of_parties
from scheduler.consultation import void_of_dropped
from scheduler.jobs import Job
from scheduler.outbox import send
from scheduler.plan_rows import drop_session, free_resources
from scheduler.policy import policy_of
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, Refused, refuse
from scheduler.request_splits import again_for
from scheduler.rounds import fall_back, lock_round
from scheduler.standing import standing_sessions
from scheduler.weather import in_bad_weather
from scheduler.windows import start

MOST_NAMED = 10
BEFORE_PUBLICATION = (RoundState.PLANNING, RoundState.CONSULTING)


async def publish_now(db: AsyncSession, round_id: int, *, only_agreed: bool, caller: Caller, now: datetime) -> Round:
    """
    Publish a round by command.

    Raises:
        Refused: CONSENT_MISSING, naming who has not answered, unless only what is agreed is to be published; and also
            then while nothing is.
    """
    planned = await lock_round(db, round_id, caller=caller)
    if planned.state is not RoundState.CONSULTING:
        raise refuse(Code.WRONG_STATE, "Only a round in consultation is published: plan it first.", "input", "roundId")
    sessions = await lock_sessions(db, planned)
    if not only_agreed:
        await refuse_unagreed(db, sessions)
    refuse_nothing(sessions)
    await refuse_short_lead(db, planned, sessions, now=now)
    await publish(db, planned, sessions, now=now)
    return planned


async def lock_sessions(db: AsyncSession, planned: Round) -> Sequence[Session]:
    """The round's sessions in consultation, locked in id order."""
    found: Sequence[Session] = (await db.exec(standing_sessions(planned.id).with_for_update())).all()
    return found


def refuse_nothing(sessions: Sequence[Session]) -> None:
    """
    Make sure that a publication does not undo a whole plan that is still consulted on.

    Raises:
        Refused: CONSENT_MISSING where there are sessions, and none is agreed.
    """
    if sessions and not any(session.state is SessionState.AGREED for session in sessions):
        message = (
            f"None of the {len(sessions)} sessions is agreed yet: all would be dropped and nothing published."
            " Wait for the answers, or plan the round again."
        )
        raise refuse(Code.CONSENT_MISSING, message, "input", "roundId")


async def refuse_unagreed(db: AsyncSession, sessions: Sequence[Session]) -> None:
    """
    Make sure that every consent is there.

    Raises:
        Refused: CONSENT_MISSING for the first sessions that lack one.
    """
    lacking = [session for session in sessions if session.state is not SessionState.AGREED]
    if not lacking:
        return
    open_consents = select(Consent).where(
        col(Consent.session_id).in_([session.id for session in lacking]),
        col(Consent.state).not_in((ConsentState.AGREED, ConsentState.VOID, ConsentState.ESCALATED)),
    )
    waited_for = (await db.exec(open_consents)).all()
    names = await names_of_parties(db, waited_for)
    missing: dict[int, list[str]] = defaultdict(list)
    for consent in waited_for:
        missing[consent.session_id].append(names[consent.id])
    raise Refused(
        *(
            Refusal(
                Code.CONSENT_MISSING,
                f"The session on {session.day} ({session.part.value}) waits for: "
                f"{', '.join(sorted(missing[session.id]))}. Wait for them, or publish only what is agreed.",
                ("input", "onlyAgreed"),
            )
            for session in lacking[:MOST_NAMED]
        )
    )


async def refuse_short_lead(db: AsyncSession, planned: Round, sessions: Sequence[Session], *, now: datetime) -> None:
    """
    Make sure that the public is told in time.

    Raises:
        Refused: LEAD_TIME.
    """
    lead = timedelta(days=(await policy_of(db, planned.bureau_id)).publish_lead_days)
    soon = [session for session in sessions if session.starts_at < now + lead]
    if soon:
        message = f"{len(soon)} sessions start within {lead.days} days: plan the round again with later days."
        raise refuse(Code.LEAD_TIME, message, "input", "roundId")


async def publish(db: AsyncSession, planned: Round, sessions: Sequence[Session], *, now: datetime) -> None:
    """Make the agreed sessions public and return the others to planning."""
    agreed = await to_be_public(db, planned, sessions, now=now)
    for session in sessions:
        if session not in agreed:
            await free_resources(db, [session.id])
            await drop_session(db, session)
    await void_of_dropped(db, planned)
    for session in agreed:
        session.state = SessionState.PUBLISHED
    await db.flush()
    await hold_promises(db, planned, agreed, now=now)
    await tell_examiners(db, agreed, now=now)
    await tell_offices(db, agreed, now=now)
    for session in agreed:
        await pass_on(db, session, now=now)
    await open_windows(db, planned, agreed, now=now)
    planned.state, planned.replan_wanted = RoundState.PUBLISHED, False
    await db.flush()


async def open_windows(db: AsyncSession, planned: Round, agreed: Sequence[Session], *, now: datetime) -> None:
    """Where the bureau's policy says so, have what is left open, or will be, applied for until a date."""
    days = (await policy_of(db, planned.bureau_id)).ranked_window_days
    for session in agreed:
        if days and session.held < session.places and now + timedelta(days=days) < session.confirm_due_at:
            await start(db, session, now + timedelta(days=days), now=now)


async def to_be_public(
    db: AsyncSession, planned: Round, sessions: Sequence[Session], *, now: datetime
) -> list[Session]:
    """The agreed sessions of which the public is told in time, unless site or weather forbade them after all agreed."""
    lead = timedelta(days=(await policy_of(db, planned.bureau_id)).publish_lead_days)
    in_time = [s for s in sessions if s.state is SessionState.AGREED and s.starts_at >= now + lead]
    closed = await at_closed_sites(db, in_time) | await in_bad_weather(db, in_time)
    return [session for session in in_time if session.id not in closed]


async def at_closed_sites(db: AsyncSession, sessions: Sequence[Session]) -> set[int]:
    """Those of the sessions whose site is closed on their day."""
    closed = (
        select(col(Session.id))
        .join(SiteClosure, col(SiteClosure.site_id) == col(Session.site_id))
        .where(
            col(Session.id).in_([session.id for session in sessions]),
            col(SiteClosure.from_day) <= col(Session.day),
            col(SiteClosure.before_day) > col(Session.day),
        )
    )
    return set((await db.exec(closed)).all())


async def hold_promises(db: AsyncSession, planned: Round, agreed: Sequence[Session], *, now: datetime) -> None:
    """Hold the promised places until a date, and say on every request of the round what it got."""
    policy, calendar = await policy_of(db, planned.bureau_id), await work_calendar(db, planned.bureau_id)
    until = calendar.add_working_days(now, int(policy.promise_working_days))
    freezes = {session.id: session.roster_freezes_at for session in agreed}
    promises = (
        await db.exec(
            select(Promise)
            .where(col(Promise.session_id).in_(freezes), col(Promise.state) == PromiseState.PLANNED)
            .order_by(col(Promise.id))
        )
    ).all()
    for promise in promises:
        promise.state, promise.held_until = PromiseState.HELD, min(until, freezes[promise.session_id])
        morning = calendar.morning_before(promise.held_until, int(policy.promise_remind_working_days))
        promise.remind_at = morning if morning > now else None
    await db.flush()
    asked = select(Request).where(col(Request.round_id) == planned.id, col(Request.state) == RequestState.PLANNED)
    for request in (await db.exec(asked.order_by(col(Request.id)).with_for_update())).all():
        mine = [promise for promise in promises if promise.request_id == request.id]
        await promise_request(db, request, mine, now=now)


async def promise_request(db: AsyncSession, request: Request, promises: Sequence[Promise], *, now: datetime) -> None:
    """Tell a firm what its request got; people left over go on waiting under a request of their own."""
    seated = sum(promise.people for promise in promises)
    if not seated:
        request.state, request.round_id = RequestState.OPEN, None
        return
    if seated < request.people:
        await split(db, request, seated)
    request.state = RequestState.PROMISED
    days = ", ".join(sorted({f"{promise.held_until.astimezone(SHANGHAI):%Y-%m-%d}" for promise in promises}))
    send(
        db,
        recipient=f"enterprise:{request.enterprise_id}",
        subject="Places are set aside for you (已预留考位)",
        body=f"{seated} places are held for your request until {days}: name your people by then.",
        now=now,
    )


async def split(db: AsyncSession, request: Request, seated: int) -> None:
    """Leave the people without a place to a new open request; the last ones named move there."""
    rest = again_for(request, request.people - seated)
    rest.unplaced_reason, rest.unplaced_detail = request.unplaced_reason, request.unplaced_detail
    db.add(rest)
    await db.flush()
    named = select(RequestPerson).where(col(RequestPerson.request_id) == request.id).order_by(col(RequestPerson.id))
    for person in (await db.exec(named)).all()[seated:]:
        person.request_id = rest.id
    request.people = seated
    request.unplaced_reason = request.unplaced_detail = None
    await db.flush()


async def tell_examiners(db: AsyncSession, agreed: Sequence[Session], *, now: datetime) -> None:
    """Tell the examiners which sessions they now serve."""
    duties = await db.exec(
        select(SessionStaff).where(col(SessionStaff.session_id).in_([session.id for session in agreed]))
    )
    per_examiner: dict[int, int] = defaultdict(int)
    for duty in duties.all():
        per_examiner[duty.examiner_id] += 1
    for examiner_id, count in sorted(per_examiner.items()):
        body = f"{count} sessions of yours are public now."
        send(db, recipient=f"examiner:{examiner_id}", subject="Your sessions (考评安排)", body=body, now=now)


async def tell_offices(db: AsyncSession, agreed: Sequence[Session], *, now: datetime) -> None:
    """Tell the offices concerned which sessions of their firms, or at their sites, are public now."""
    concerned = await db.exec(
        select(Consent).where(
            col(Consent.session_id).in_([session.id for session in agreed]),
            col(Consent.party) == ConsentParty.OFFICE,
            col(Consent.state) != ConsentState.VOID,
        )
    )
    per_office: dict[int | None, int] = defaultdict(int)
    for consent in concerned.all():
        per_office[consent.jurisdiction_id] += 1
    for office_id, count in sorted(per_office.items(), key=str):
        body = f"{count} sessions that concern your office are public now."
        recipient, subject = f"jurisdiction:{office_id}", "Sessions published (考试公布)"
        send(db, recipient=recipient, subject=subject, body=body, now=now, courtesy=Courtesy.SESSIONS_PUBLISHED)


async def publish_due(db: AsyncSession, now: datetime) -> int:
    """
    Publish the rounds whose time has come: what is agreed, and nothing else.

    A round that is still being planned publishes what its last plan had agreed; without any it is over.
    """
    due = select(Round).where(col(Round.state).in_(BEFORE_PUBLICATION), col(Round.publish_at) <= now)
    rounds = (await db.exec(due.order_by(col(Round.id)).limit(1).with_for_update(skip_locked=True))).all()
    for planned in rounds:
        if planned.state is RoundState.PLANNING:
            await fall_back(db, planned)
        if planned.state is RoundState.CONSULTING:
            await publish(db, planned, await lock_sessions(db, planned), now=now)
    return len(rounds)


def next_publication() -> SelectOfScalar[Any]:
    """When the next round is to be published."""
    return select(func.min(col(Round.publish_at))).where(col(Round.state).in_(BEFORE_PUBLICATION))


PUBLICATION = Job("publications", publish_due, next_publication)
