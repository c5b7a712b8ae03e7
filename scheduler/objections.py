"""From objections and agreements to the constraints of the next plan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.rounds import Consent, Objection, Round
from models.sessions import Session
from models.vocabulary import ConsentState, ObjectionKind, PromiseState, SessionState
from scheduler.calendar import Block
from scheduler.problem_keys import key_in_problem

STANDING = (SessionState.PROPOSED, SessionState.AGREED)
Spot = dict[str, str]


async def constraints_of(db: AsyncSession, planned: Round, document: Mapping[str, Any]) -> dict[str, Any]:
    """
    What a re-plan must keep: objections as constraints, undisputed sessions as pins, the earlier seats as `before`.

    Pins that the problem as it stands can no longer keep (a site closed, a request withdrawn) are left out.
    """
    sessions = (await db.exec(standing_sessions(planned.id))).all()
    objections = (
        await db.exec(select(Objection).where(col(Objection.round_id) == planned.id).order_by(col(Objection.id)))
    ).all()
    promises = await promises_by_session(db, [session.id for session in sessions])
    touched = await objected_sessions(db, [session.id for session in sessions])
    bars = [bar for objection in objections if (bar := bar_of(objection))]
    kept = [
        session
        for session in sessions
        if session.id not in touched and can_be_held(session, document) and not is_barred(session, bars)
    ]
    people = {entry["id"]: entry["people"] for entry in document["requests"]}
    return {
        "barred": bars,
        "min_people": [least_of(objection) for objection in objections if is_about_size(objection)],
        "pinned_sessions": [spot_of(session) for session in kept],
        "pins": seats_of(kept, promises, people),
        "before": seats_of(sessions, promises, people),
        "requests": with_kept_together(document["requests"], objections),
    }


def standing_sessions(round_id: int) -> Any:
    """The sessions of a round that are being consulted on."""
    standing = select(Session).where(col(Session.round_id) == round_id, col(Session.state).in_(STANDING))
    return standing.order_by(col(Session.id))


async def promises_by_session(db: AsyncSession, session_ids: Sequence[int]) -> Mapping[int, list[Promise]]:
    """The planned promises of each session."""
    rows = await db.exec(
        select(Promise)
        .where(col(Promise.session_id).in_(session_ids), col(Promise.state) == PromiseState.PLANNED)
        .order_by(col(Promise.request_id))
    )
    found: dict[int, list[Promise]] = defaultdict(list)
    for promise in rows.all():
        found[promise.session_id].append(promise)
    return found


async def objected_sessions(db: AsyncSession, session_ids: Sequence[int]) -> set[int]:
    """The sessions to which somebody objects."""
    objected = select(col(Consent.session_id)).where(
        col(Consent.session_id).in_(session_ids), col(Consent.state) == ConsentState.OBJECTED
    )
    return set((await db.exec(objected)).all())


def spot_of(session: Session) -> Spot:
    """Where and when a session is, and of what."""
    return {
        "site": key_in_problem("site", session.site_id),
        "item": key_in_problem("exam", session.exam_id),
        "block": Block(session.day, session.part).id,
    }


def can_be_held(session: Session, document: Mapping[str, Any]) -> bool:
    """Whether the problem as it stands still knows the session's place and time."""
    spot = spot_of(session)
    site = next((entry for entry in document["sites"] if entry["id"] == spot["site"]), None)
    if site is None or spot["block"] not in site["blocks"]:
        return False
    return any(offer["item"] == spot["item"] and offer["places"] >= session.promised for offer in site["offers"])


def is_barred(session: Session, bars: Sequence[Spot]) -> bool:
    """Whether an objection to a place or a time meets this session, too."""
    spot = spot_of(session)
    return any(all(spot[name] == value for name, value in bar.items()) for bar in bars if "staff" not in bar)


def seats_of(
    sessions: Sequence[Session], promises: Mapping[int, list[Promise]], people: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The seats of these sessions whose requests still ask for as many people."""
    return [
        {"request": request, "people": promise.people, "site": spot["site"], "block": spot["block"]}
        for session in sessions
        for spot in [spot_of(session)]
        for promise in promises.get(session.id, ())
        if people.get(request := key_in_problem("request", promise.request_id), 0) >= promise.people
    ]


def bar_of(objection: Objection) -> Spot | None:
    """The bar that an objection stands for; None where it is not about a place, a time or staff."""
    site, exam = key_in_problem("site", objection.site_id), key_in_problem("exam", objection.exam_id)
    if objection.kind is ObjectionKind.NOT_THIS_SITE:
        return {"site": site, "item": exam}
    if objection.kind is ObjectionKind.NOT_THIS_BLOCK:
        return {"site": site, "block": objection.block}
    if objection.kind is ObjectionKind.NOT_THESE_STAFF and objection.examiner_id is not None:
        return {"site": site, "item": exam, "staff": key_in_problem("examiner", objection.examiner_id)}
    return None


def is_about_size(objection: Objection) -> bool:
    """Whether the objection asks for more people."""
    return objection.kind is ObjectionKind.AT_LEAST_PEOPLE and objection.people is not None


def least_of(objection: Objection) -> dict[str, Any]:
    """A session with at least so many people, or none."""
    return {
        "site": key_in_problem("site", objection.site_id),
        "item": key_in_problem("exam", objection.exam_id),
        "block": objection.block,
        "people": objection.people,
    }


def with_kept_together(entries: Sequence[dict[str, Any]], objections: Sequence[Objection]) -> list[dict[str, Any]]:
    """The requests, those together that an objection wants together."""
    wanted = {
        key_in_problem("request", objection.request_id)
        for objection in objections
        if objection.kind is ObjectionKind.KEEP_TOGETHER and objection.request_id is not None
    }
    return [entry | {"together": True} if entry["id"] in wanted else entry for entry in entries]
