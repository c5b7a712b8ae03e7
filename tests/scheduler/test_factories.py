import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry
from models.vocabulary import (
    CertificateState,
    PromiseState,
    RequestState,
    Role,
    RoundState,
    SessionState,
)
from tests import factories as make

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("state", SessionState)
async def test_a_session_is_made_in_any_state(database: Database, state: SessionState) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        examiner = await make.make_examiner(db, exam_body=district.exam_body, skills=[district.item.theory])

        session = await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            state=state,
            examiners=[examiner],
        )

        history = select(col(AuditEntry.to_state)).where(col(AuditEntry.entity) == "session")
        assert session.state is state
        assert (await db.exec(history.order_by(col(AuditEntry.id)))).all()[-1] == state.value


@pytest.mark.parametrize("state", RequestState)
async def test_a_request_is_made_in_any_state(database: Database, state: RequestState) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        enterprise, item = await make.make_enterprise(db), await make.make_item(db)

        request = await make.make_request(db, enterprise=enterprise, exam=item.theory, state=state)

        assert request.state is state


@pytest.mark.parametrize("state", [*RoundState])
async def test_a_round_is_made_in_any_state(database: Database, state: RoundState) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        assert (await make.make_round(db, state=state)).state is state


@pytest.mark.parametrize("state", CertificateState)
async def test_a_certificate_is_made_in_any_state(database: Database, state: CertificateState) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        worker, item = await make.make_worker(db), await make.make_item(db)

        assert (await make.make_certificate(db, worker=worker, item=item, state=state)).state is state


async def test_promised_and_booked_places_are_counted(database: Database) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        request = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.theory, workers=[worker], people=2
        )

        promise = await make.make_promise(db, session=session, request=request)
        booking = await make.make_booking(db, session=session, worker=worker, promise=promise)

        assert (session.places, session.promised, session.taken) == (12, 1, 1)
        assert (promise.people, promise.named, promise.state) == (2, 1, PromiseState.HELD)
        assert request.state is RequestState.PROMISED
        assert booking.enterprise_id == district.enterprise.id


@pytest.mark.parametrize("role", Role)
async def test_a_caller_is_made_in_any_role(database: Database, role: Role) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        party = {
            Role.ENTERPRISE: district.enterprise,
            Role.OFFICE: district.office,
            Role.TOWN: district.town,
            Role.BUREAU: district.bureau,
            Role.EXAM_BODY: district.exam_body,
            Role.EXAMINER: await make.make_examiner(db, exam_body=district.exam_body),
        }.get(role)

        caller = await make.make_caller(db, role=role, party=party)

        assert caller.bureau_id == (district.bureau.id if party else None)
