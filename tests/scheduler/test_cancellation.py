"""Calling off one public session: who may, when, and what becomes of those who had places."""

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Promise, Waiting
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import AuditEntry, OutboxMessage
from models.rounds import Consent
from models.sessions import Session
from models.vocabulary import (
    BookingState,
    ConsentParty,
    ConsentState,
    PromiseState,
    RequestState,
    Role,
    SessionState,
    WaitingState,
)
from scheduler import booking, holding
from scheduler.callers import Caller
from scheduler.cancellation import call_off
from scheduler.refusals import Code, Refusal, Refused
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

REASON = "台风停考"


async def cancel(at: Scene, caller: Caller, *, session_id: int | None = None, reason: str = REASON) -> Session:
    async with at.database.writing(actor=caller.actor, now=make.NOW) as db:
        return await call_off(db, session_id or at.session.id, reason, caller=caller, now=make.NOW)


async def refused(at: Scene, caller: Caller, **given: object) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await cancel(at, caller, **given)  # type: ignore[arg-type]
    assert await at.entries() == before
    return list(raised.value.reasons)


@pytest.mark.parametrize("role", [Role.BUREAU, Role.EXAM_BODY])
async def test_whoever_had_places_asks_again_and_is_told_why(database: Database, role: Role) -> None:
    at = await scene(database)
    promise = await at.promise(people=3)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)
    caller = await at.caller(role)

    done = await cancel(at, caller)

    async with at.database.reading() as db:
        states = (await db.exec(select(col(Booking.state)))).all()
        named = (await db.exec(select(col(RequestPerson.worker_id)))).all()
        told = dict((await db.exec(select(col(OutboxMessage.recipient), col(OutboxMessage.body)))).all())
        why = select(col(AuditEntry.actor), col(AuditEntry.detail)).where(col(AuditEntry.act) == "cancelled")
        assert (await db.exec(why)).all() == [(caller.actor, {"reason": REASON})]
    request = await at.row(Request, promise.request_id)
    assert (done.state, await at.counts()) == (SessionState.CANCELLED, (0, 0))
    assert (list(states), list(named)) == ([BookingState.CANCELLED], at.firm.ids(0))
    assert (await at.row(Promise, promise.id)).state is PromiseState.RELEASED
    assert (request.state, request.people, request.round_id) == (RequestState.OPEN, 3, None)
    firm = f"enterprise:{at.firm.enterprise.id}"
    assert list(told) == [firm, f"examiner:{at.examiner.id}", f"exam_body:{at.district.exam_body.id}"]
    assert told[firm].endswith(f"is cancelled: {REASON}. Your requests are open again.")
    assert await at.violations() == []


async def test_the_host_and_the_offices_that_were_consulted_are_told_too(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        host = await make.make_enterprise(db, office=at.district.office)
        (await db.get_one(type(at.district.site), at.district.site.id)).host_enterprise_id = host.id
        asked = {"session_id": at.session.id, "party": ConsentParty.OFFICE, "jurisdiction_id": at.district.office.id}
        consent = await make.written(db, Consent(**asked, state=ConsentState.ASKED, due_at=make.NOW))
        await make.walked(db, consent, [ConsentState.AGREED])

    await cancel(at, await at.caller(Role.BUREAU))

    async with at.database.reading() as db:
        told = set((await db.exec(select(col(OutboxMessage.recipient)))).all())
    assert told >= {f"enterprise:{host.id}", f"jurisdiction:{at.district.office.id}"}


async def test_a_reason_is_needed(database: Database) -> None:
    at = await scene(database)

    (reason,) = await refused(at, await at.caller(Role.BUREAU), reason="  ")

    assert (reason.code, reason.path) == (Code.BAD_INPUT, ("input", "reason"))


@pytest.mark.parametrize("role", [Role.OFFICE, Role.EXAMINER, Role.ENTERPRISE])
async def test_nobody_but_the_bureau_and_the_exam_body_calls_off(database: Database, role: Role) -> None:
    at = await scene(database)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    assert codes(await refused(at, caller)) == ["NOT_ALLOWED"]


@pytest.mark.parametrize("role", [Role.BUREAU, Role.EXAM_BODY])
async def test_another_bureaus_session_and_none_are_refused_alike(database: Database, role: Role) -> None:
    at, elsewhere = await scene(database), await scene(database)
    caller = await at.caller(role)

    foreign = await refused(at, caller, session_id=elsewhere.session.id)
    absent = await refused(at, caller, session_id=elsewhere.session.id + 999)

    assert foreign == absent
    assert [(reason.code, reason.path) for reason in foreign] == [(Code.NOT_FOUND, ("input", "sessionId"))]


@pytest.mark.parametrize(
    ("state", "way_out"),
    [
        (SessionState.PROPOSED, "object to it, or plan the round again"),
        (SessionState.AGREED, "object to it, or plan the round again"),
        (SessionState.HELD, "stands with its results"),
        (SessionState.CLOSED, "stands with its results"),
        (SessionState.CANCELLED, "called off already"),
        (SessionState.DROPPED, "called off already"),
    ],
)
async def test_only_a_public_session_is_called_off_and_the_answer_says_what_else_goes(
    database: Database, state: SessionState, way_out: str
) -> None:
    at = await scene(database, state=state)

    (reason,) = await refused(at, await at.caller(Role.BUREAU))

    assert (reason.code, reason.path) == (Code.WRONG_STATE, ("input", "sessionId"))
    assert way_out in reason.message
    assert (await at.row(Session, at.session.id)).state is state


async def test_a_firm_that_was_choosing_names_is_first_in_the_queue(database: Database) -> None:
    at = await scene(database)
    choice = holding.Choice(at.session.id, 2)
    await holding.choose_places(database, choice, write=None, caller=at.firm.caller, now=make.NOW)

    await cancel(at, await at.caller(Role.BUREAU))

    async with database.reading() as db:
        wish = (await db.exec(select(Waiting))).one()
    assert (wish.enterprise_id, wish.people, wish.state) == (at.firm.enterprise.id, 2, WaitingState.WAITING)
    assert await at.violations() == []
