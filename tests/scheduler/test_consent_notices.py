"""Whoever is asked is told, reminded once before the answer is due, and told when somebody else answers instead."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.journal import OutboxMessage
from models.parties import Examiner
from models.places import Jurisdiction
from models.rounds import Consent, Round
from models.vocabulary import ConsentParty, ConsentState, RoundState
from scheduler import consenting
from scheduler.calendar import SHANGHAI
from scheduler.consent_notices import ASKED, NOTICES, REMINDED, tell_due
from scheduler.consultation import ask
from scheduler.silence import TURN_OVER, escalate_silence
from tests import consulting as scene
from tests import factories as make
from tests.consulting import NOW, Place

pytestmark = pytest.mark.asyncio


async def put_to_everyone(database: Database, *, sessions: int = 1) -> tuple[Place, Round]:
    """So many sessions of an office's own firm in its own yard."""
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        proposed = []
        for day in range(sessions):
            request = await scene.ask_for(db, place, place.firm, 6)
            later = {"day": make.SESSION_DAY + timedelta(days=day)}
            proposed.append(await scene.proposed(db, place, planned, place.yard, {request.id: 6}, **later))
        await ask(db, planned, proposed, gained={}, now=NOW)
    return place, planned


async def agrees(db: AsyncSession, whom: Jurisdiction | Examiner) -> None:
    """An office or an examiner agrees to all that is asked of it."""
    party = ConsentParty.STAFF if isinstance(whom, Examiner) else ConsentParty.OFFICE
    own = col(Consent.examiner_id if isinstance(whom, Examiner) else Consent.jurisdiction_id) == whom.id
    mine = (await db.exec(select(col(Consent.id)).where(own))).all()
    await consenting.agree(db, list(mine), caller=await scene.caller_of(db, party, whom), now=NOW)


async def told(database: Database, recipient: str) -> list[tuple[str, str]]:
    """What a party was told, in order."""
    async with database.reading() as db:
        mine = select(OutboxMessage).where(col(OutboxMessage.recipient) == recipient).order_by(col(OutboxMessage.id))
        return [(message.subject, message.body) for message in (await db.exec(mine)).all()]


async def everyone_is_told(database: Database, now: datetime) -> int:
    """Take steps until nobody is left to be told; how many steps."""
    steps = 0
    while True:
        async with database.writing(actor="test", now=now) as db:
            if not await tell_due(db, now):
                return steps
        steps += 1


async def next_notice(database: Database) -> datetime | None:
    async with database.reading() as db:
        moment: datetime | None = (await db.exec(NOTICES.next_due())).one()
        return moment


async def test_a_party_is_told_once_of_all_that_is_asked_of_it(database: Database) -> None:
    place, _ = await put_to_everyone(database, sessions=3)

    steps = await everyone_is_told(database, NOW)

    assert steps == 3  # the office and two examiners; the exam body's turn has not come
    ((subject, body),) = await told(database, f"jurisdiction:{place.office.id}")
    assert subject == ASKED
    assert body.startswith("3 sessions wait for your answer, the first until ")
    assert body.count(place.yard.name) == 3
    assert await told(database, f"exam_body:{place.body.id}") == []


async def test_the_exam_body_is_told_when_its_turn_comes(database: Database) -> None:
    place, _ = await put_to_everyone(database)
    async with database.writing(actor="test", now=NOW) as db:
        first, second, *_ = place.examiners
        for whom in (place.office, first, second):
            await agrees(db, whom)

    await everyone_is_told(database, NOW)

    assert [subject for subject, _ in await told(database, f"exam_body:{place.body.id}")] == [ASKED]
    assert await told(database, f"jurisdiction:{place.office.id}") == []  # it had answered before anybody told it


async def test_who_has_not_answered_is_reminded_once_a_working_day_before(database: Database) -> None:
    place, _ = await put_to_everyone(database)
    await everyone_is_told(database, NOW)
    (office,) = await scene.all_of(database, Consent, col(Consent.party) == ConsentParty.OFFICE)
    reminder = await next_notice(database)
    assert reminder is not None
    assert NOW < reminder < office.due_at - timedelta(days=1)
    assert f"{reminder.astimezone(SHANGHAI):%H:%M}" == "08:30"

    before = await everyone_is_told(database, reminder - timedelta(seconds=1))
    steps = await everyone_is_told(database, reminder)

    assert (before, steps) == (0, 3)
    assert [subject for subject, _ in await told(database, f"jurisdiction:{place.office.id}")] == [ASKED, REMINDED]
    assert await next_notice(database) is None
    (reminded,) = await scene.all_of(database, Consent, col(Consent.party) == ConsentParty.OFFICE)
    assert (reminded.told_at, reminded.reminded_at) == (NOW, reminder)


async def test_who_has_answered_is_not_reminded(database: Database) -> None:
    place, _ = await put_to_everyone(database)
    await everyone_is_told(database, NOW)
    reminder = await next_notice(database)
    assert reminder is not None
    async with database.writing(actor="test", now=NOW) as db:
        await agrees(db, place.office)

    await everyone_is_told(database, reminder)

    assert [subject for subject, _ in await told(database, f"jurisdiction:{place.office.id}")] == [ASKED]


async def test_a_deadline_too_near_for_a_reminder_has_none(database: Database) -> None:
    await put_to_everyone(database)
    async with database.writing(actor="test", now=NOW) as db:
        for consent in (await db.exec(select(Consent))).all():
            consent.due_at = NOW + timedelta(hours=20)

    await everyone_is_told(database, NOW)

    assert await next_notice(database) is None


async def test_the_next_tier_is_told_in_whose_place_it_answers_and_the_silent_office_that_it_does(
    database: Database,
) -> None:
    place, _ = await put_to_everyone(database)
    await everyone_is_told(database, NOW)
    (office,) = await scene.all_of(database, Consent, col(Consent.party) == ConsentParty.OFFICE)
    async with database.writing(actor="test", now=office.due_at) as db:
        assert await escalate_silence(db, office.due_at) == 1

    await everyone_is_told(database, office.due_at)

    ((subject, body),) = await told(database, f"jurisdiction:{place.town.id}")
    assert (subject, "1 session waits" in body and "Of these, 1 in place of" in body) == (ASKED, True)
    assert (await told(database, f"jurisdiction:{place.office.id}"))[-1][0] == TURN_OVER
    (silent,) = await scene.all_of(database, Consent, col(Consent.party) == ConsentParty.OFFICE)
    assert silent.state is ConsentState.ESCALATED


async def test_a_round_that_is_planned_again_reminds_nobody(database: Database) -> None:
    _, planned = await put_to_everyone(database)
    async with database.writing(actor="test", now=NOW) as db:
        (await db.exec(select(Round).where(col(Round.id) == planned.id))).one().state = RoundState.PLANNING

    assert await everyone_is_told(database, NOW + timedelta(days=30)) == 0
    assert await next_notice(database) is None


async def test_an_answer_that_is_being_given_is_not_waited_for(database: Database) -> None:
    place, _ = await put_to_everyone(database)
    async with database.writing(actor="test", now=NOW) as db:
        await agrees(db, place.office)

        await everyone_is_told(database, NOW)  # in transactions of its own, beside the one that is open here

    assert await told(database, f"jurisdiction:{place.office.id}") == []
