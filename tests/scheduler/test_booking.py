"""Booking by name: promised places, open places, and every reason why not."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from models.bookings import Booking, Promise
from models.database import Database
from models.demand import Request
from models.parties import Recusal
from models.sessions import Session
from models.vocabulary import AlternativeKind, Education, Part, PromiseState, RequestState, Role, SessionState
from scheduler import booking
from scheduler.callers import Caller
from scheduler.refusals import Alternative, Code, Refusal, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Scene, codes, scene

pytestmark = pytest.mark.asyncio

AFTER_THE_FREEZE = datetime(2026, 4, 14, 0, 0, tzinfo=UTC)


async def confirm(
    at: Scene, promise_id: int, worker_ids: Sequence[int], *, caller: Caller | None = None, now: datetime = make.NOW
) -> Sequence[Booking]:
    async with at.writing(now) as db:
        return await booking.confirm_bookings(db, promise_id, worker_ids, caller=caller or at.firm.caller, now=now)


async def create(
    at: Scene, session_id: int, worker_ids: Sequence[int], *, caller: Caller | None = None, now: datetime = make.NOW
) -> Sequence[Booking]:
    async with at.writing(now) as db:
        return await booking.create_bookings(db, session_id, worker_ids, caller=caller or at.firm.caller, now=now)


async def refused_confirm(at: Scene, promise_id: int, worker_ids: Sequence[int], **given: object) -> list[Refusal]:
    before = (await at.entries(), await at.counts())
    with pytest.raises(Refused) as refused:
        await confirm(at, promise_id, worker_ids, **given)  # type: ignore[arg-type]
    assert (await at.entries(), await at.counts()) == before
    return list(refused.value.reasons)


async def refused_create(at: Scene, session_id: int, worker_ids: Sequence[int], **given: object) -> list[Refusal]:
    before = (await at.entries(), await at.counts())
    with pytest.raises(Refused) as refused:
        await create(at, session_id, worker_ids, **given)  # type: ignore[arg-type]
    assert (await at.entries(), await at.counts()) == before
    return list(refused.value.reasons)


async def test_people_named_into_promised_places_are_booked(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3)

    booked = await confirm(at, promise.id, at.firm.ids(1, 0))

    assert [row.worker_id for row in booked] == at.firm.ids(0, 1)
    assert {(row.promise_id, row.enterprise_id, row.booked_at) for row in booked} == {
        (promise.id, at.firm.enterprise.id, make.NOW)
    }
    assert await at.counts() == (1, 2)
    assert await at.claimed() == at.firm.ids(0, 1)
    kept = await at.row(Promise, promise.id)
    assert (kept.named, kept.state) == (2, PromiseState.HELD)
    assert (await at.row(Request, promise.request_id)).state is RequestState.PROMISED
    assert await at.violations() == []


async def test_the_last_name_uses_the_promise_and_settles_the_request(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)

    await confirm(at, promise.id, at.firm.ids(0))
    await confirm(at, promise.id, at.firm.ids(1))

    assert (await at.row(Promise, promise.id)).state is PromiseState.USED
    assert (await at.row(Request, promise.request_id)).state is RequestState.SETTLED
    assert await at.counts() == (0, 2)
    assert await at.violations() == []


async def test_a_request_promised_in_two_sessions_is_settled_by_the_last_of_them(database: Database) -> None:
    at = await scene(database)
    first = await at.promise(people=1, request={"people": 2})
    other = await at.another_session(day=date(2026, 4, 16))
    async with at.writing() as db:
        request, session = await db.get_one(Request, first.request_id), await db.merge(other)
        second = await make.make_promise(db, session=session, request=request, people=1)

    await confirm(at, first.id, at.firm.ids(0))
    between = (await at.row(Request, first.request_id)).state
    await confirm(at, second.id, at.firm.ids(1))

    assert between is RequestState.PROMISED
    assert (await at.row(Request, first.request_id)).state is RequestState.SETTLED


async def test_more_names_than_places_of_the_promise_are_refused(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)

    reasons = await refused_confirm(at, promise.id, at.firm.ids(0, 1, 2))

    assert reasons == [
        Refusal(Code.OUT_OF_RANGE, "The promise has 2 places left: name 2 people at most.", ("input", "promiseId"))
    ]


async def test_each_wrong_person_is_told_each_reason(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=5)
    other = await at.another_firm()
    async with at.writing() as db:
        firm = await db.merge(at.firm.enterprise)
        young = await make.make_worker(db, enterprise=firm, born=date(2010, 1, 1), education=Education.PRIMARY)
        old = await make.make_worker(db, enterprise=firm, born=date(1960, 1, 1))
    good = at.firm.ids(0)[0]

    reasons = await refused_confirm(at, promise.id, [good, young.id, other.ids(0)[0], old.id, 10**15])

    assert [(reason.code, reason.path[-1], reason.worker_id) for reason in reasons] == [
        (Code.TOO_YOUNG, "1", young.id),
        (Code.TOO_LITTLE_SCHOOLING, "1", young.id),
        (Code.NOT_YOUR_WORKER, "2", other.ids(0)[0]),
        (Code.TOO_OLD, "3", old.id),
        (Code.NOT_YOUR_WORKER, "4", 10**15),
    ]
    assert reasons[2].message == reasons[4].message
    assert await at.booked() == []


async def test_nobody_is_named_twice_in_one_call(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3)
    first = at.firm.ids(0)[0]

    reasons = await refused_confirm(at, promise.id, [first, first])

    assert [(reason.code, reason.path, reason.worker_id) for reason in reasons] == [
        (Code.SAME_PERSON_TWICE, ("input", "workerIds", "1"), first)
    ]


@pytest.mark.parametrize(("people", "code"), [(0, Code.BAD_INPUT), (10_000, Code.OUT_OF_RANGE)])
async def test_nobody_and_a_whole_town_are_refused(database: Database, people: int, code: Code) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)

    named = await refused_confirm(at, promise.id, range(people))
    taken = await refused_create(at, at.session.id, range(people))

    assert codes(named) == codes(taken) == [code]


async def test_the_promise_of_another_firm_and_none_at_all_give_the_same_answer(database: Database) -> None:
    at = await scene(database)
    theirs = await at.promise(await at.another_firm(), people=2)

    foreign = await refused_confirm(at, theirs.id, at.firm.ids(0))
    absent = await refused_confirm(at, 10**15, at.firm.ids(0))

    assert foreign == absent
    assert codes(absent) == [Code.NOT_FOUND]


async def test_a_session_of_another_bureau_and_none_at_all_give_the_same_answer(database: Database) -> None:
    at = await scene(database)
    elsewhere = await scene(database)

    foreign = await refused_create(at, elsewhere.session.id, at.firm.ids(0))
    absent = await refused_create(at, 10**15, at.firm.ids(0))

    assert foreign == absent
    assert codes(absent) == [Code.NOT_FOUND]


@pytest.mark.parametrize("role", [Role.OFFICE, Role.BUREAU, Role.EXAM_BODY, Role.EXAMINER])
async def test_only_firms_book(database: Database, role: Role) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    caller = await at.caller(role)

    named = await refused_confirm(at, promise.id, at.firm.ids(0), caller=caller)
    taken = await refused_create(at, at.session.id, at.firm.ids(0), caller=caller)

    assert codes(named) == codes(taken) == [Code.NOT_ALLOWED]


async def test_a_promise_past_its_date_no_longer_counts(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2, held_until=make.NOW + timedelta(days=1))

    reasons = await refused_confirm(at, promise.id, at.firm.ids(0), now=make.NOW + timedelta(days=1))

    assert codes(reasons) == [Code.PROMISE_LAPSED]


async def test_a_promise_that_is_used_up_takes_nobody(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=1)
    await confirm(at, promise.id, at.firm.ids(0))

    assert codes(await refused_confirm(at, promise.id, at.firm.ids(1))) == [Code.FULL]


async def test_a_frozen_roster_takes_nobody_even_before_anyone_froze_it(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)

    named = await refused_confirm(at, promise.id, at.firm.ids(0), now=AFTER_THE_FREEZE)
    taken = await refused_create(at, at.session.id, at.firm.ids(0), now=AFTER_THE_FREEZE)

    assert codes(named) == codes(taken) == [Code.ROSTER_FROZEN]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (SessionState.CANCELLED, Code.WRONG_STATE),
        (SessionState.FROZEN, Code.ROSTER_FROZEN),
        (SessionState.CLOSED, Code.ROSTER_FROZEN),
    ],
)
async def test_only_a_published_session_is_booked(database: Database, state: SessionState, code: Code) -> None:
    at = await scene(database, state=state)

    assert codes(await refused_create(at, at.session.id, at.firm.ids(0))) == [code]


async def test_open_places_are_taken_by_name(database: Database) -> None:
    at = await scene(database, places=4)
    await at.promise(await at.another_firm(), people=2)

    booked = await create(at, at.session.id, at.firm.ids(0, 1))

    assert [(row.worker_id, row.promise_id) for row in booked] == [(worker, None) for worker in at.firm.ids(0, 1)]
    assert await at.counts() == (2, 2)
    assert await at.claimed() == at.firm.ids(0, 1)
    assert await at.violations() == []


async def test_promised_places_are_not_open_and_a_full_session_names_the_nearest_others(database: Database) -> None:
    at = await scene(database, places=3)
    await at.promise(await at.another_firm(), people=2)
    far = await at.another_session(site={"latitude": 31.30})
    near = await at.another_session(site={"latitude": 31.04})
    farther = await at.another_session(site={"latitude": 31.40})
    await at.another_session(site={"latitude": 31.50})
    await at.another_session(state=SessionState.FROZEN)
    full = await at.another_session(places=1)
    async with at.writing() as db:
        await make.make_booking(db, session=await db.merge(full), worker=await make.make_worker(db))

    reasons = await refused_create(at, at.session.id, at.firm.ids(0, 1))

    assert reasons == [
        Refusal(
            Code.FULL,
            "You want 2 places, and 1 are left: take fewer, or see the alternatives.",
            ("input", "workerIds"),
            alternatives=tuple(Alternative(other.id, AlternativeKind.OTHER_SITE, 2) for other in (near, far, farther)),
            waiting=0,
        )
    ]


async def test_places_of_a_lapsed_promise_are_released_by_whoever_wants_them(database: Database) -> None:
    at = await scene(database, places=2, policy=ANY_SHARE)
    later = make.NOW + timedelta(days=2)
    promise = await at.promise(await at.another_firm(), people=2, held_until=later)

    early = await refused_create(at, at.session.id, at.firm.ids(0, 1))
    booked = await create(at, at.session.id, at.firm.ids(0, 1), now=later)

    assert codes(early) == [Code.FULL]
    assert len(booked) == 2
    assert await at.counts() == (0, 2)
    assert (await at.row(Promise, promise.id)).state is PromiseState.RELEASED
    assert (await at.row(Request, promise.request_id)).state is RequestState.OPEN
    assert await at.violations() == []


async def test_one_place_per_person_and_exam_at_a_time(database: Database) -> None:
    at = await scene(database)
    other = await at.another_session(day=date(2026, 4, 20))
    await create(at, other.id, at.firm.ids(0))

    reasons = await refused_create(at, at.session.id, at.firm.ids(0, 1))

    assert [(reason.code, reason.worker_id) for reason in reasons] == [(Code.ALREADY_BOOKED, at.firm.ids(0)[0])]


async def test_nobody_is_in_two_sessions_at_once(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        another = await make.make_item(db)
    busy = await at.another_session(exam=another.theory)
    free = await at.another_session(exam=another.theory, part=Part.PM)
    await create(at, busy.id, at.firm.ids(0))
    await create(at, free.id, at.firm.ids(1))

    reasons = await refused_create(at, at.session.id, at.firm.ids(0, 1))

    assert [(reason.code, reason.worker_id) for reason in reasons] == [(Code.OVERLAPS, at.firm.ids(0)[0])]


async def test_nobody_is_named_into_a_session_whose_examiner_is_recused_from_the_firm(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        examiner, firm = at.examiner.id, at.firm.enterprise.id
        await make.written(db, Recusal(examiner_id=examiner, enterprise_id=firm, reason="A relative works there."))

    reasons = await refused_create(at, at.session.id, at.firm.ids(0))

    assert [(reason.code, reason.worker_id) for reason in reasons] == [(Code.STAFF_RECUSED, at.firm.ids(0)[0])]


async def test_a_gated_practical_waits_for_the_theory(database: Database) -> None:
    at = await scene(database)
    practical = await at.another_session(exam=at.district.item.practical, day=date(2026, 4, 20))

    reasons = await refused_create(at, practical.id, at.firm.ids(0))

    assert codes(reasons) == [Code.THEORY_NOT_PASSED]
    assert (await at.row(Session, practical.id)).taken == 0
