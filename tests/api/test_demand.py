import pytest
from sqlalchemy import event
from sqlmodel import col, func, select

from models.database import Database
from models.demand import Request
from models.vocabulary import RequestState, Role
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, global_id, read
from tests.factories import NOW, District

pytestmark = pytest.mark.asyncio

REQUESTS = """{
  requests(first: 50) {
    nodes { people state enterprise { name } exam { subject item { code } } persons { name } round { number }
            promises { people } }
  }
}"""


async def district_of(database: Database, role: Role = Role.ENTERPRISE) -> tuple[District, Caller]:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        party = {Role.ENTERPRISE: district.enterprise, Role.BUREAU: district.bureau, Role.OFFICE: district.office}
        return district, await make.make_caller(db, role=role, party=party[role])


def asking(district: District, **given: object) -> dict[str, object]:
    item_id = global_id("Item", district.item.item.id)
    return {"itemId": item_id, "people": 3, "earliestDay": "2026-04-01", "latestDay": "2026-05-31"} | given


async def written(database: Database) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count(col(Request.id))))).one()


async def test_a_firm_asks_and_the_rules_choose_the_subject(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        worker = await make.make_worker(db, enterprise=district.enterprise)

    payload = await act(
        database,
        caller,
        "requestSubmit",
        asking(district, workerIds=[global_id("Worker", worker.id)]),
        "request { state origin people askedAt exam { subject } persons { name } round { number }"
        " promises { people } }",
    )

    assert payload["refused"] == []
    assert payload["request"] == {
        "state": "OPEN",
        "origin": "ENTERPRISE",
        "people": 3,
        "askedAt": "2026-03-02T02:00:00+00:00",
        "exam": {"subject": "THEORY"},
        "persons": [{"name": worker.name}],
        "round": None,
        "promises": [],
    }


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"people": 0}, "OUT_OF_RANGE input people"),
        ({"people": 10_000}, "OUT_OF_RANGE input people"),
        ({"earliestDay": "2026-01-01", "latestDay": "2026-02-01"}, "WINDOW_PAST input latestDay"),
        ({"earliestDay": "2026-05-31", "latestDay": "2026-04-01"}, "BAD_INPUT input latestDay"),
        ({"latestDay": "2027-12-31"}, "OUT_OF_RANGE input latestDay"),
        ({"earliestDay": "2026-03-02", "latestDay": "2026-03-05"}, "WINDOW_TOO_SHORT input latestDay"),
        ({"mostKm": -1}, "OUT_OF_RANGE input mostKm"),
        ({"latitude": 31.0}, "BAD_INPUT input latitude"),
        ({"itemId": "nonsense"}, "NOT_FOUND input itemId"),
        ({"itemId": global_id("Item", 10**9)}, "NOT_FOUND input itemId"),
    ],
)
async def test_bad_input_is_refused_by_its_field(database: Database, given: dict[str, object], refused: str) -> None:
    district, caller = await district_of(database)

    payload = await act(database, caller, "requestSubmit", asking(district, **given), "request { id }")

    assert (payload["request"], payload["refused"]) == (None, [refused])
    assert await written(database) == 0


async def test_an_item_nobody_offers_is_refused(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        item = (await make.make_item(db)).item

    payload = await act(database, caller, "requestSubmit", asking(district, itemId=global_id("Item", item.id)))

    assert payload["refused"] == ["NO_OFFER input itemId"]
    assert await written(database) == 0


async def test_a_sixty_one_year_old_is_refused_by_name(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        old = await make.make_worker(db, enterprise=district.enterprise, born=make.TODAY.replace(year=1965))
    worker_id = global_id("Worker", old.id)

    payload = await act(database, caller, "requestSubmit", asking(district, workerIds=[worker_id]))

    assert payload["refused"] == ["TOO_OLD input workerIds 0"]
    assert await written(database) == 0


async def test_another_firms_worker_and_an_absent_one_answer_alike(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        stranger = await make.make_worker(db)

    answers = []
    for key in (stranger.id, 10**9):
        order = asking(district, workerIds=[global_id("Worker", key)])
        answers.append((await act(database, caller, "requestSubmit", order))["userErrors"])

    assert answers[0] == answers[1]
    assert [error["code"] for error in answers[0]] == ["NOT_YOUR_WORKER"]
    assert await written(database) == 0


@pytest.mark.parametrize("role", [Role.OFFICE, Role.BUREAU])
async def test_only_firms_ask(database: Database, role: Role) -> None:
    district, caller = await district_of(database, role)

    assert (await act(database, caller, "requestSubmit", asking(district)))["refused"] == ["NOT_ALLOWED"]


async def test_forged_foreign_and_absent_requests_answer_alike(database: Database) -> None:
    _, caller = await district_of(database)
    foreign, _ = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        request = await make.make_request(db, enterprise=foreign.enterprise, exam=foreign.item.theory)

    for field, shape in (
        ("requestWithdraw", "RequestInput"),
        ("requestDecline", "RequestInput"),
        ("requestAccept", "RequestAcceptInput"),
    ):
        for request_id in ("%%%", global_id("Request", request.id), global_id("Request", 10**9)):
            payload = await act(database, caller, field, {"requestId": request_id}, shape=shape)
            assert payload["refused"] == ["NOT_FOUND input requestId"]
    async with database.reading() as db:
        assert (await db.exec(select(col(Request.state)))).one() is RequestState.OPEN


async def test_a_proposed_request_is_accepted_and_withdrawn(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        proposed = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.theory, state=RequestState.PROPOSED
        )
    taken = {"requestId": global_id("Request", proposed.id)}

    accepted = await act(
        database, caller, "requestAccept", taken | {"latestDay": "2026-05-01"}, "request { state latestDay }"
    )
    again = await act(database, caller, "requestAccept", taken)
    withdrawn = await act(database, caller, "requestWithdraw", taken, "request { state }", shape="RequestInput")

    assert accepted["request"] == {"state": "OPEN", "latestDay": "2026-05-01"}
    assert again["refused"] == ["WRONG_STATE input requestId"]
    assert withdrawn["request"] == {"state": "WITHDRAWN"}


async def test_a_firm_sees_promises_once_they_are_public(database: Database) -> None:
    district, caller = await district_of(database)
    at = {"site": district.site, "exam": district.item.theory, "exam_body": district.exam_body}
    asked = {"enterprise": district.enterprise, "exam": district.item.theory}
    async with database.writing(actor="test", now=NOW) as db:
        planned = await make.make_session(db, **at, state=make.SessionState.PROPOSED)
        await make.make_promise(db, session=planned, request=await make.make_request(db, **asked, people=2))
        public = await make.make_session(db, **at, day=make.date(2026, 4, 16))
        await make.make_promise(db, session=public, request=await make.make_request(db, **asked, people=4))

    found = await read(database, caller, "{ requests { nodes { state promises { people session { day } } } } }")

    assert found["requests"]["nodes"] == [
        {"state": "PLANNED", "promises": []},
        {"state": "PROMISED", "promises": [{"people": 4, "session": {"day": "2026-04-16"}}]},
    ]


async def test_requests_are_filtered_and_belong_to_their_ground(database: Database) -> None:
    district, caller = await district_of(database, Role.OFFICE)
    foreign, _ = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        for where, state in (
            (district, RequestState.OPEN),
            (district, RequestState.PROPOSED),
            (foreign, RequestState.OPEN),
        ):
            await make.make_request(db, enterprise=where.enterprise, exam=where.item.theory, state=state)

    every = await read(database, caller, "{ requests { nodes { state } } }")
    proposed = await read(database, caller, "{ requests(states: [PROPOSED], origins: [RETAKE]) { nodes { state } } }")

    assert every["requests"]["nodes"] == [{"state": "OPEN"}, {"state": "PROPOSED"}]
    assert proposed["requests"]["nodes"] == [{"state": "PROPOSED"}]


async def test_requests_cost_the_same_statements_for_one_and_for_many(database: Database) -> None:
    district, caller = await district_of(database, Role.BUREAU)
    counted: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    async def more(count: int) -> None:
        async with database.writing(actor="test", now=NOW) as db:
            session = await make.make_session(
                db,
                site=district.site,
                exam=district.item.theory,
                exam_body=district.exam_body,
                day=make.date(2026, 4, count),
            )
            for _ in range(count):
                worker = await make.make_worker(db, enterprise=district.enterprise)
                request = await make.make_request(
                    db, enterprise=district.enterprise, exam=district.item.theory, workers=[worker]
                )
                await make.make_promise(db, session=session, request=request)

    await more(1)
    counted.clear()
    await read(database, caller, REQUESTS)
    for_one = len(counted)
    await more(9)
    counted.clear()
    found = (await read(database, caller, REQUESTS))["requests"]["nodes"]

    assert len(found) == 10
    assert all(each["persons"] and each["promises"] for each in found)
    assert len(counted) == for_one
