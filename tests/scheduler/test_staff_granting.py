"""Half-days of examiners granted down the tiers for an item and a month, and plans that keep to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import col, select

from models.database import Database
from models.demand import Request
from models.grants import StaffGrant
from models.journal import AuditEntry
from models.parties import Examiner
from models.rounds import Round
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentParty, GrantState, Role, RoundState, SessionState
from scheduler import snapshot, staff_granting
from scheduler.audit.grants import GRANTS
from scheduler.callers import Caller
from scheduler.clock import SetClock
from scheduler.plan_rows import SnapshotStale
from scheduler.planning import plan_due
from scheduler.proposing import Proposal, begin_consultation
from scheduler.refusals import Code, Refused
from tests import consulting as scene
from tests import factories as make
from tests.consulting import AM, NOW, Held, Place, answer
from tests.scenes import codes

pytestmark = pytest.mark.asyncio

APRIL = date(2026, 4, 1)
UNTIL, SOONER = NOW + timedelta(days=10), NOW + timedelta(days=5)


@dataclass
class Tiers:
    """A bureau with four examiners of two half-days a round each, its tiers, and a firm in each of two towns."""

    database: Database
    place: Place
    bureau: Caller
    town: Caller
    office: Caller

    async def grant(self, half_days: int, *, by: Caller | None = None, now: datetime = NOW, **given: Any) -> StaffGrant:
        to = given.pop("to", self.place.town)
        item, month = given.pop("item_id", self.place.item.item.id), given.pop("month", APRIL)
        order = staff_granting.StaffOrder(item, month, to.id, half_days, given.pop("until", UNTIL))
        async with self.database.writing(actor="test", now=now) as db:
            return await staff_granting.grant_half_days(db, order, caller=by or self.bureau, now=now)

    async def grant_office(self, half_days: int, **given: Any) -> StaffGrant:
        return await self.grant(half_days, **{"by": self.town, "to": self.place.office, "until": SOONER} | given)

    async def hand_back(self, grant: StaffGrant, half_days: int, *, by: Caller, now: datetime = NOW) -> StaffGrant:
        async with self.database.writing(actor="test", now=now) as db:
            return await staff_granting.hand_back_half_days(db, grant.id, half_days, caller=by, now=now)

    async def shares(self) -> list[tuple[int, int, int]]:
        """Given, granted on and gone back of every share."""
        rows = await scene.all_of(self.database, StaffGrant)
        return [(row.given, row.granted_on, row.gone_back) for row in rows]

    async def violations(self) -> list[Any]:
        async with self.database.reading() as db:
            return [found for one in GRANTS for found in (await one.verdict(db)).violations]


@pytest_asyncio.fixture
async def of(database: Database) -> Tiers:
    return await make_tiers(database)


async def make_tiers(database: Database) -> Tiers:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        for examiner in (await db.exec(select(Examiner))).all():
            examiner.most_blocks_a_round = 2
        callers = [
            await scene.caller_of(db, party, whom)
            for party, whom in (
                (ConsentParty.BUREAU, place.bureau),
                (ConsentParty.TOWN, place.town),
                (ConsentParty.OFFICE, place.office),
            )
        ]
    return Tiers(database, place, *callers)


async def refused(of: Tiers, act: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> str:
    """The one code of a refusal that wrote nothing."""
    before = (await of.shares(), len(await scene.all_of(of.database, AuditEntry)))
    with pytest.raises(Refused) as no:
        await act(*given, **named)
    assert (await of.shares(), len(await scene.all_of(of.database, AuditEntry))) == before
    (code,) = codes(no.value.reasons)
    return code


async def a_round(of: Tiers, *firms: Any) -> tuple[Round, list[int]]:
    """A round that waits for the solver, with six people of each firm."""
    async with of.database.writing(actor="test", now=NOW) as db:
        requests = [(await scene.ask_for(db, of.place, firm, 6)).id for firm in firms]
        return await scene.make_round(db, of.place, time_limit_seconds=2.0), requests


async def planned_people(of: Tiers) -> dict[int, int]:
    """How many people each jurisdiction's sessions have."""
    sessions = await scene.all_of(of.database, Session, col(Session.state) != SessionState.DROPPED)
    return {session.jurisdiction_id: session.promised for session in sessions}


async def test_half_days_go_down_the_tiers_and_come_back(of: Tiers) -> None:
    town, office = await of.grant(8), await of.grant_office(3)
    again = await of.grant(1)
    await of.hand_back(office, 1, by=of.office)
    await of.hand_back(town, 2, by=of.town)

    assert (again.id, office.parent_id, office.month) == (town.id, town.id, APRIL)
    assert await of.shares() == [(9, 2, 2), (3, 0, 1)]
    assert await of.violations() == []


async def test_what_is_unused_at_the_date_returns_to_the_tier_above_then_to_all(of: Tiers) -> None:
    await of.grant(8)
    await of.grant_office(3)

    async def sweep(now: datetime) -> list[int]:
        async with of.database.writing(actor="job:half-days return", now=now) as db:
            return [await staff_granting.return_due(db, now) for _ in range(2)]

    assert await sweep(SOONER) == [1, 0]
    assert await of.shares() == [(8, 0, 0), (3, 0, 3)]
    assert await sweep(UNTIL) == [1, 0]
    assert await of.shares() == [(8, 0, 8), (3, 0, 3)]
    assert {row.state for row in await scene.all_of(of.database, StaffGrant)} == {GrantState.RETURNED}
    assert await of.violations() == []


async def test_an_expired_share_is_returned_by_whoever_grants_when_no_worker_lives(of: Tiers) -> None:
    await of.grant(8)

    await of.grant(2, now=UNTIL, until=UNTIL + timedelta(days=1))

    assert await of.shares() == [(8, 0, 8), (2, 0, 0)]


async def test_nobody_grants_or_hands_back_what_is_not_there(of: Tiers) -> None:
    far = await of.grant(160, to=of.place.far_town)

    assert await refused(of, of.grant_office, 1) == Code.WRONG_STATE
    for half_days in (0, -1, 10_000, 17):  # twenty-two workdays, two parts, four examiners; but for what is granted
        assert await refused(of, of.grant, half_days) == Code.OUT_OF_RANGE
    town = await of.grant(5)
    for half_days in (0, -2, 6):
        assert await refused(of, of.grant_office, half_days) == Code.OUT_OF_RANGE
        assert await refused(of, of.hand_back, town, half_days, by=of.town) == Code.OUT_OF_RANGE
    assert await refused(of, of.grant_office, 1, until=UNTIL + timedelta(days=1)) == Code.OUT_OF_RANGE
    assert await refused(of, of.grant, 1, until=SOONER) == Code.OUT_OF_RANGE
    assert await refused(of, of.hand_back, far, 1, by=of.town) == Code.NOT_FOUND
    assert await refused(of, of.hand_back, town, 1, by=of.bureau) == Code.NOT_ALLOWED
    await of.hand_back(town, 5, by=of.town)
    assert await refused(of, of.hand_back, town, 5, by=of.town) == Code.OUT_OF_RANGE


async def test_month_date_item_and_receiver_are_real_and_below(of: Tiers) -> None:
    async with of.database.writing(actor="test", now=NOW) as db:
        firm = await make.make_caller(db, role=Role.ENTERPRISE, party=of.place.firm)

    for month in (date(2026, 4, 2), date(2026, 2, 1)):
        assert await refused(of, of.grant, 1, month=month) == Code.OUT_OF_RANGE
    for until in (NOW, datetime(2026, 5, 2, tzinfo=NOW.tzinfo)):
        assert await refused(of, of.grant, 1, until=until) == Code.OUT_OF_RANGE
    assert await refused(of, of.grant, 1, item_id=9_999_999) == Code.NOT_FOUND
    for to in (of.place.office, of.place.bureau, make.Jurisdiction(id=9_999_999)):
        assert await refused(of, of.grant, 1, to=to) == Code.NOT_FOUND
    for caller in (of.office, firm):
        assert await refused(of, of.grant, 1, by=caller) == Code.NOT_ALLOWED


async def test_a_plan_gives_nobody_else_what_was_granted_and_gives_it_once_it_returned(of: Tiers) -> None:
    share = await of.grant(8)
    planned, (near, far) = await a_round(of, of.place.firm, of.place.far_firm)

    await plan_due(of.database, SetClock(NOW))
    kept = await planned_people(of)
    await of.hand_back(share, 6, by=of.town)
    async with of.database.writing(actor="test", now=NOW) as db:
        row = (await db.exec(select(Round).where(col(Round.id) == planned.id))).one()
        row.state, row.solve_after = RoundState.PLANNING, NOW
    await plan_due(of.database, SetClock(NOW))

    # Both towns' people could sit together at the bureau's tier; but all eight half-days of the round are the town's.
    assert kept == {of.place.office.id: 6}
    assert sum((await planned_people(of)).values()) == 12
    assert {row.id for row in await scene.all_of(of.database, Request)} == {near, far}


async def test_others_have_exactly_what_is_not_granted(of: Tiers) -> None:
    await of.grant(6)
    planned, _ = await a_round(of, of.place.far_firm)

    await plan_due(of.database, SetClock(NOW))

    # Eight half-days in all, six of them the town's: two are a session's staff.
    assert sum((await planned_people(of)).values()) == 6
    assert len(await scene.all_of(of.database, SessionStaff)) == 2
    assert (await scene.all_of(of.database, Round))[0].id == planned.id


async def test_one_half_day_more_and_the_others_have_no_session(of: Tiers) -> None:
    await of.grant(7)
    await a_round(of, of.place.far_firm)

    await plan_due(of.database, SetClock(NOW))

    assert await planned_people(of) == {}


async def test_what_a_tier_has_in_use_is_counted_from_its_sessions(of: Tiers) -> None:
    share = await of.grant(3)
    await a_round(of, of.place.firm)
    await plan_due(of.database, SetClock(NOW))

    assert await refused(of, of.hand_back, share, 2, by=of.town) == Code.OUT_OF_RANGE
    await of.hand_back(share, 1, by=of.town)
    assert await of.shares() == [(3, 0, 1)]


async def test_a_plan_from_before_a_grant_is_stale(of: Tiers) -> None:
    planned, (far,) = await a_round(of, of.place.far_firm)
    async with of.database.reading() as db:
        problem = await snapshot.take(db, planned, now=NOW)
    plan = answer(of.place, Held(of.place.yard, AM, {far: 6}, of.place.examiners[:2]))
    await of.grant(8)

    with pytest.raises(SnapshotStale, match="barred"):
        async with of.database.writing(actor="test", now=NOW) as db:
            await begin_consultation(db, Proposal(planned.id, 1, problem, plan, baselines={}), now=NOW)

    assert await planned_people(of) == {}


async def test_an_expired_share_binds_no_plan_although_nobody_swept(of: Tiers) -> None:
    await of.grant(8)
    planned, _ = await a_round(of, of.place.far_firm)

    async with of.database.reading() as db:
        before, after = [(await snapshot.take(db, planned, now=now))["barred"] for now in (NOW, UNTIL)]

    assert (bool(before), after) == (True, [])
