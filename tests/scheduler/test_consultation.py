"""Who is asked, who answers, and what becomes of silence."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlmodel import col, delete, select

from models.database import Database
from models.journal import AuditEntry
from models.rounds import Consent, Objection, Round
from models.sessions import Session
from models.vocabulary import ConsentParty, ConsentState, ObjectionKind, Role, RoundState, SessionState
from scheduler import consenting
from scheduler.consenting import ObjectionOrder
from scheduler.consultation import ask, deadline
from scheduler.refusals import Code, Refused
from scheduler.silence import escalate_silence
from tests import consulting as scene
from tests import factories as make
from tests.consulting import NOW, Place

pytestmark = pytest.mark.asyncio


@dataclass
class Consulted:
    """An office's own firm in its own yard, put to everyone."""

    place: Place
    planned: Round
    session: Session

    async def consents(self, database: Database) -> dict[ConsentParty, Consent]:
        standing = col(Consent.state) != ConsentState.VOID
        return {consent.party: consent for consent in await scene.all_of(database, Consent, standing)}


@pytest_asyncio.fixture
async def consulted(database: Database) -> Consulted:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})
        await ask(db, planned, [session], gained={}, now=NOW)
        return Consulted(place, planned, session)


async def test_the_office_and_the_staff_are_asked_first_and_the_exam_body_waits(
    database: Database, consulted: Consulted
) -> None:
    consents = await consulted.consents(database)

    assert {party: consent.state for party, consent in consents.items()} == {
        ConsentParty.OFFICE: ConsentState.ASKED,
        ConsentParty.STAFF: ConsentState.ASKED,
        ConsentParty.EXAM_BODY: ConsentState.QUEUED,
    }


async def test_the_wrong_tier_is_told_that_there_is_no_such_consent(database: Database, consulted: Consulted) -> None:
    mine = (await consulted.consents(database))[ConsentParty.OFFICE]

    async with database.writing(actor="test", now=NOW) as db:
        town = await scene.caller_of(db, ConsentParty.TOWN, consulted.place.town)

    with pytest.raises(Refused) as refused:
        async with database.writing(actor="test", now=NOW) as db:
            await consenting.agree(db, [mine.id], caller=town, now=NOW)

    assert [(reason.code, reason.path) for reason in refused.value.reasons] == [
        (Code.NOT_FOUND, ("input", "consentIds", "0"))
    ]
    assert (await consulted.consents(database))[ConsentParty.OFFICE].state is ConsentState.ASKED


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
async def test_auditors_and_operators_see_every_consent_and_answer_none(
    database: Database, consulted: Consulted, role: Role
) -> None:
    before = await consulted.consents(database)
    asked = [consent.id for consent in before.values() if consent.state is ConsentState.ASKED]
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=role)

    for consent_id in asked:
        with pytest.raises(Refused) as agreed:
            async with database.writing(actor="test", now=NOW) as db:
                await consenting.agree(db, [consent_id], caller=caller, now=NOW)
        order = ObjectionOrder(consent_id, ObjectionKind.NOT_THIS_SITE)
        with pytest.raises(Refused) as objected:
            async with database.writing(actor="test", now=NOW) as db:
                await consenting.object_to(db, order, caller=caller, now=NOW)
        assert [reason.code for each in (agreed, objected) for reason in each.value.reasons] == [Code.NOT_FOUND] * 2

    assert asked
    assert await consulted.consents(database) == before


async def test_a_second_answer_is_refused_and_nothing_is_written(database: Database, consulted: Consulted) -> None:
    mine = (await consulted.consents(database))[ConsentParty.OFFICE]
    async with database.writing(actor="test", now=NOW) as db:
        office = await scene.caller_of(db, ConsentParty.OFFICE, consulted.place.office)
        await consenting.agree(db, [mine.id], caller=office, now=NOW)

    order = ObjectionOrder(mine.id, ObjectionKind.NOT_THIS_SITE)
    with pytest.raises(Refused) as refused:
        async with database.writing(actor="test", now=NOW) as db:
            await consenting.object_to(db, order, caller=office, now=NOW)

    assert [reason.code for reason in refused.value.reasons] == [Code.ALREADY_ANSWERED]
    assert (await consulted.consents(database))[ConsentParty.OFFICE].state is ConsentState.AGREED
    assert await scene.all_of(database, Objection) == []


async def test_the_silence_of_an_office_is_recorded_and_its_town_answers_in_its_place(
    database: Database, consulted: Consulted
) -> None:
    silent = (await consulted.consents(database))[ConsentParty.OFFICE]

    async with database.writing(actor="job:silences", now=silent.due_at) as db:
        done = await escalate_silence(db, silent.due_at)

    consents = await consulted.consents(database)
    town = consents[ConsentParty.TOWN]
    notes = await scene.all_of(database, AuditEntry, col(AuditEntry.act) == "silence")
    assert (done, consents[ConsentParty.OFFICE].state) == (1, ConsentState.ESCALATED)
    assert (town.jurisdiction_id, town.state, town.in_place_of_id) == (
        consulted.place.town.id,
        ConsentState.ASKED,
        silent.id,
    )
    assert town.due_at > silent.due_at
    assert [(entry.entity_id, entry.detail) for entry in notes] == [
        (silent.id, {"answered_by": consulted.place.town.id})
    ]


async def test_an_office_answers_in_time_even_before_anybody_noted_its_silence_and_an_examiner_also_later(
    database: Database, consulted: Consulted
) -> None:
    consents = await consulted.consents(database)
    late = consents[ConsentParty.OFFICE].due_at

    async with database.writing(actor="test", now=late) as db:
        office = await scene.caller_of(db, ConsentParty.OFFICE, consulted.place.office)
    with pytest.raises(Refused) as refused:
        async with database.writing(actor="test", now=late) as db:
            await consenting.agree(db, [consents[ConsentParty.OFFICE].id], caller=office, now=late)
    async with database.writing(actor="test", now=late) as db:
        asked = consents[ConsentParty.STAFF]
        serving = [each for each in consulted.place.examiners if each.id == asked.examiner_id]
        examiner = await scene.caller_of(db, ConsentParty.STAFF, serving[0])
        await consenting.agree(db, [asked.id], caller=examiner, now=late)

    after = {consent.id: consent.state for consent in await scene.all_of(database, Consent)}
    assert [reason.code for reason in refused.value.reasons] == [Code.TOO_LATE]
    assert after[consents[ConsentParty.OFFICE].id] is ConsentState.ASKED
    assert after[asked.id] is ConsentState.AGREED


async def test_nobody_answers_for_a_silent_bureau_examiner_host_or_exam_body(
    database: Database, consulted: Consulted
) -> None:
    place = consulted.place
    never = [
        (ConsentParty.BUREAU, place.bureau),
        (ConsentParty.HOST, place.far_firm),
        (ConsentParty.STAFF, place.examiners[3]),
        (ConsentParty.EXAM_BODY, place.body),
    ]
    async with database.writing(actor="test", now=NOW) as db:
        await db.exec(delete(Consent).where(col(Consent.session_id) == consulted.session.id))
        for party, whom in never:
            await scene.asked(db, consulted.session, party, whom)

    late = consulted.planned.publish_at
    async with database.writing(actor="job:silences", now=late) as db:
        done = await escalate_silence(db, late)

    assert done == 0
    assert {consent.state for consent in await scene.all_of(database, Consent)} == {ConsentState.ASKED}
    assert len(await scene.all_of(database, Consent)) == len(never)


async def test_silence_counts_only_while_the_round_is_consulted_on(database: Database, consulted: Consulted) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        (await db.exec(select(Round))).one().state = RoundState.PLANNING

    late = consulted.planned.publish_at
    async with database.writing(actor="job:silences", now=late) as db:
        done = await escalate_silence(db, late)

    assert done == 0
    assert ConsentParty.TOWN not in await consulted.consents(database)


async def test_who_is_asked_after_the_end_of_consulting_has_until_publication(
    database: Database, consulted: Consulted
) -> None:
    planned = consulted.planned
    after = planned.consult_until + timedelta(hours=1)

    async with database.reading() as db:
        assert await deadline(db, planned, now=planned.consult_until - timedelta(days=1)) == planned.consult_until
        assert await deadline(db, planned, now=after) == planned.publish_at


async def test_a_session_is_agreed_once_everybody_and_last_the_exam_body_agreed(
    database: Database, consulted: Consulted
) -> None:
    place = consulted.place
    parties = [(ConsentParty.OFFICE, place.office), *((ConsentParty.STAFF, one) for one in place.examiners[:2])]
    for party, whom in [*parties, (ConsentParty.EXAM_BODY, place.body)]:
        async with database.writing(actor="test", now=NOW) as db:
            caller = await scene.caller_of(db, party, whom)
            asked = select(Consent).where(col(Consent.party) == party, col(Consent.state) == ConsentState.ASKED)
            mine = [consent for consent in (await db.exec(asked)).all() if whom.id in scene.keys_of(consent)]
            await consenting.agree(db, [consent.id for consent in mine], caller=caller, now=NOW)

    (session,) = await scene.all_of(database, Session)
    assert session.state is SessionState.AGREED
