"""Answers to the consultation: agreeing to many sessions at once, objecting to one with a typed reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.rounds import Consent, Objection, Round
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentState, ObjectionKind, PromiseState, RoundState
from scheduler.calendar import Block
from scheduler.callers import Caller
from scheduler.consultation import NEXT_TIER, deadline, settle
from scheduler.refusals import Code, Refusal, Refused, refuse
from scheduler.typed import refuse_any, why_not_text
from scheduler.visibility import consents_to_answer

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class ObjectionOrder:
    """An objection as it was typed; each kind carries the one field it needs."""

    consent_id: int
    kind: ObjectionKind
    remark: str = ""
    examiner_id: int | None = None
    request_id: int | None = None
    people: int | None = None


async def agree(db: AsyncSession, consent_ids: Sequence[int], *, caller: Caller, now: datetime) -> list[Consent]:
    """
    Agree to all of these sessions, or to none.

    Raises:
        Refused: A reason for each consent that is not the caller's to give, or already given.
    """
    if not 1 <= len(set(consent_ids)) == len(consent_ids) <= MOST_AT_ONCE:
        message = f"Answer 1 to {MOST_AT_ONCE} different consents at a time."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "consentIds")
    consents = await lock_consents(db, consent_ids, caller=caller)
    reasons = [
        reason
        for at, consent_id in enumerate(consent_ids)
        if (reason := why_not_answered(consents.get(consent_id), ("input", "consentIds", str(at)), now=now))
    ]
    if reasons:
        raise Refused(*reasons)
    for consent in consents.values():
        consent.state, consent.answered_at, consent.answered_by_id = ConsentState.AGREED, now, caller.account_id
    await db.flush()
    await settle_sessions(db, {consent.session_id for consent in consents.values()}, now=now)
    return list(consents.values())


async def lock_consents(db: AsyncSession, consent_ids: Sequence[int], *, caller: Caller) -> dict[int, Consent]:
    """
    The consents that are asked of this caller, their rounds and sessions locked first, each in id order.

    The round's lock is shared: answers don't wait for one another, but planning and publication wait for them.
    """
    mine = select(col(Consent.session_id)).where(col(Consent.id).in_(consent_ids), consents_to_answer(caller))
    sessions = select(Session).where(col(Session.id).in_(mine)).order_by(col(Session.id))
    of_sessions = sessions.order_by(None).with_only_columns(col(Session.round_id))
    rounds = select(Round).where(col(Round.id).in_(of_sessions)).order_by(col(Round.id))
    await db.exec(rounds.with_for_update(read=True).execution_options(populate_existing=True))
    await db.exec(sessions.with_for_update().execution_options(populate_existing=True))
    own = select(Consent).where(col(Consent.id).in_(consent_ids), consents_to_answer(caller))
    locked = own.order_by(col(Consent.id)).with_for_update().execution_options(populate_existing=True)
    return {consent.id: consent for consent in (await db.exec(locked)).all()}


def why_not_answered(consent: Consent | None, path: tuple[str, ...], *, now: datetime) -> Refusal | None:
    """A consent is answered once, by the party it is asked of; in time, where the next tier up stands by."""
    if consent is None:
        message = "There is no such consent for you to give: list yours with consents(mineOnly: true)."
        return Refusal(Code.NOT_FOUND, message, path)
    is_late = consent.state is ConsentState.ASKED and consent.party in NEXT_TIER and consent.due_at <= now
    if is_late or consent.state is ConsentState.ESCALATED:
        return Refusal(Code.TOO_LATE, "The deadline is over: the next tier up answers in your place.", path)
    if consent.state is not ConsentState.ASKED:
        return Refusal(Code.ALREADY_ANSWERED, "You have answered this: wait for the next plan.", path)
    return None


async def settle_sessions(db: AsyncSession, session_ids: set[int], *, now: datetime) -> None:
    """
    See for each session whether its consultation goes on or is complete.

    Raises:
        Refused: WRONG_STATE while a round is planned again.
    """
    sessions = (await db.exec(select(Session).where(col(Session.id).in_(session_ids)).order_by(col(Session.id)))).all()
    about = select(Round).where(col(Round.id).in_({session.round_id for session in sessions}))
    rounds = (await db.exec(about)).all()
    if any(planned.state is not RoundState.CONSULTING for planned in rounds):
        raise refuse(Code.WRONG_STATE, "The round is being planned again: answer the new plan.", "input")
    due_at = {planned.id: await deadline(db, planned, now=now) for planned in rounds}
    for session in sessions:
        await settle(db, session, due_at=due_at[session.round_id], now=now)


async def object_to(db: AsyncSession, order: ObjectionOrder, *, caller: Caller, now: datetime) -> Consent:
    """
    Object to a session; the objection becomes a constraint of the next plan.

    Raises:
        Refused: The consent is not the caller's to give, or the kind's own field is missing or wrong.
    """
    consents = await lock_consents(db, [order.consent_id], caller=caller)
    consent = consents.get(order.consent_id)
    if (reason := why_not_answered(consent, ("input", "consentId"), now=now)) or consent is None:
        raise Refused(*([reason] if reason else []))
    session = (await db.exec(select(Session).where(col(Session.id) == consent.session_id))).one()
    planned = (await db.exec(select(Round).where(col(Round.id) == session.round_id))).one()
    if planned.state is not RoundState.CONSULTING:
        raise refuse(Code.WRONG_STATE, "The round is being planned again: answer the new plan.", "input", "consentId")
    refuse_any(why_not_text(order.remark or None, "input", "remark"))
    await refuse_misfit(db, order, session)

    consent.state, consent.answered_at, consent.answered_by_id = ConsentState.OBJECTED, now, caller.account_id
    db.add(
        Objection(
            round_id=planned.id,
            consent_id=consent.id,
            kind=order.kind,
            remark=order.remark,
            site_id=session.site_id,
            exam_id=session.exam_id,
            block=Block(session.day, session.part).id,
            examiner_id=order.examiner_id,
            request_id=order.request_id,
            people=order.people,
            raised_at=now,
        )
    )
    await db.flush()
    return consent


async def refuse_misfit(db: AsyncSession, order: ObjectionOrder, session: Session) -> None:
    """
    Make sure that an objection carries the field of its kind, and no other.

    Raises:
        Refused: BAD_INPUT or NOT_FOUND, naming the field.
    """
    needed = {
        ObjectionKind.NOT_THESE_STAFF: "examinerId",
        ObjectionKind.KEEP_TOGETHER: "requestId",
        ObjectionKind.AT_LEAST_PEOPLE: "people",
    }.get(order.kind)
    given = {"examinerId": order.examiner_id, "requestId": order.request_id, "people": order.people}
    for field, value in given.items():
        if (field == needed) != (value is not None):
            what = "needs" if field == needed else "takes no"
            raise refuse(Code.BAD_INPUT, f"An objection {order.kind.value} {what} {field}.", "input", field)
    if order.people is not None and not 1 <= order.people <= session.places:
        raise refuse(Code.OUT_OF_RANGE, f"The session has 1 to {session.places} places.", "input", "people")
    if order.examiner_id is not None and not await on_duty(db, session.id, order.examiner_id):
        raise refuse(Code.NOT_FOUND, "This examiner is not on duty there: choose one who is.", "input", "examinerId")
    if order.request_id is not None and not await is_seated(db, session.id, order.request_id):
        raise refuse(Code.NOT_FOUND, "This request has no seats there: choose one that has.", "input", "requestId")


async def on_duty(db: AsyncSession, session_id: int, examiner_id: int) -> bool:
    """Whether the examiner is on duty at the session."""
    duty = select(SessionStaff).where(
        col(SessionStaff.session_id) == session_id, col(SessionStaff.examiner_id) == examiner_id
    )
    return (await db.exec(duty)).first() is not None


async def is_seated(db: AsyncSession, session_id: int, request_id: int) -> bool:
    """Whether the plan seats people of the request in the session."""
    seat = select(Promise).where(
        col(Promise.session_id) == session_id,
        col(Promise.request_id) == request_id,
        col(Promise.state) == PromiseState.PLANNED,
    )
    return (await db.exec(seat)).first() is not None
