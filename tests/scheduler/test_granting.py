"""Granting places down the tiers and handing them back: who may, how many, until when."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from models.database import Database
from models.grants import PlaceGrant
from models.vocabulary import GrantState, Role, SessionState
from scheduler import cancellation, windows
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.scenes import codes
from tests.sharing import SOONER, UNTIL, Tiers, tiers

pytestmark = pytest.mark.asyncio

Act = Callable[..., Awaitable[Any]]


async def refused(of: Tiers, act: Act, *given: Any, **named: Any) -> str:
    """The one code of a refusal that wrote nothing."""
    before = (await of.at.entries(), await of.counts(), await of.shares())
    with pytest.raises(Refused) as no:
        await act(*given, **named)
    assert (await of.at.entries(), await of.counts(), await of.shares()) == before
    (code,) = codes(no.value.reasons)
    return code


async def test_a_bureau_grants_to_a_town_and_the_town_to_its_office(database: Database) -> None:
    of = await tiers(database)

    town = await of.grant(10)
    office = await of.grant_office(4)

    assert (town.parent_id, town.until, town.state) == (None, UNTIL, GrantState.STANDING)
    assert (office.parent_id, office.until) == (town.id, SOONER)
    assert await of.shares() == [(10, 0, 4, 0), (4, 0, 0, 0)]
    assert await of.counts() == (0, 0, 10)
    assert await of.at.violations() == []


async def test_a_share_that_stands_grows_and_stands_until_the_later_date(database: Database) -> None:
    of = await tiers(database)
    first = await of.grant(3, until=SOONER)

    again = await of.grant(2)

    assert (again.id, again.given, again.until) == (first.id, 5, UNTIL)
    assert await refused(of, of.grant, 1, until=SOONER) == Code.OUT_OF_RANGE
    assert await of.at.violations() == []


@pytest.mark.parametrize("places", [0, -3, 13, 10_000])
async def test_nobody_grants_less_than_one_or_more_than_is_open(database: Database, places: int) -> None:
    of = await tiers(database)

    assert await refused(of, of.grant, places) == Code.OUT_OF_RANGE


async def test_what_is_promised_held_or_taken_is_nobodys_to_grant(database: Database) -> None:
    of = await tiers(database)
    await of.at.promise(people=3)
    await of.choose(of.stranger, 2)

    assert await refused(of, of.grant, 8) == Code.OUT_OF_RANGE
    assert (await of.grant(7)).given == 7
    assert await refused(of, of.grant, 1, to=of.elsewhere) == Code.OUT_OF_RANGE


async def test_a_town_grants_no_more_than_it_has_and_for_no_longer(database: Database) -> None:
    of = await tiers(database)
    assert await refused(of, of.grant_office, 1) == Code.WRONG_STATE
    await of.grant(3)

    assert await refused(of, of.grant_office, 4) == Code.OUT_OF_RANGE
    assert await refused(of, of.grant_office, 2, until=UNTIL + timedelta(seconds=1)) == Code.OUT_OF_RANGE
    assert (await of.grant_office(3, until=UNTIL)).given == 3
    assert await refused(of, of.grant_office, 1, until=UNTIL) == Code.OUT_OF_RANGE


async def test_a_date_is_to_come_and_not_after_the_freeze(database: Database) -> None:
    of = await tiers(database)
    freeze = of.at.session.roster_freezes_at

    assert await refused(of, of.grant, 1, until=make.NOW) == Code.OUT_OF_RANGE
    assert await refused(of, of.grant, 1, until=freeze + timedelta(seconds=1)) == Code.OUT_OF_RANGE
    assert (await of.grant(1, until=freeze)).until == freeze


async def test_places_go_one_tier_down_and_never_aside(database: Database) -> None:
    of = await tiers(database)
    await of.grant(5)
    async with of.at.writing() as db:
        foreign = await make.make_town(db)
    absent = make.Jurisdiction(id=9_999_999)

    for to in (of.at.district.office, of.at.district.bureau, foreign, absent):
        assert await refused(of, of.grant, 1, to=to) == Code.NOT_FOUND
    for to in (of.elsewhere, of.office_elsewhere, of.at.district.town):
        assert await refused(of, of.grant_office, 1, to=to) == Code.NOT_FOUND


async def test_only_bureaus_and_towns_grant_and_only_their_own_bureaus_sessions(database: Database) -> None:
    of = await tiers(database)
    async with of.at.writing() as db:
        town = await make.make_town(db)
        foreign = await make.make_caller(db, role=Role.TOWN, party=town)

    for caller in (of.office, of.at.firm.caller, await of.at.caller(Role.EXAM_BODY)):
        assert await refused(of, of.grant, 1, by=caller) == Code.NOT_ALLOWED
    assert await refused(of, of.grant, 1, by=foreign) == Code.NOT_FOUND
    assert await refused(of, of.grant, 1, session_id=9_999_999) == Code.NOT_FOUND


@pytest.mark.parametrize(
    "state", [SessionState.AGREED, SessionState.FROZEN, SessionState.HELD, SessionState.CLOSED, SessionState.CANCELLED]
)
async def test_nothing_is_granted_of_a_session_that_takes_no_names(database: Database, state: SessionState) -> None:
    of = await tiers(database, state=state)
    expected = {SessionState.AGREED: Code.WRONG_STATE, SessionState.CANCELLED: Code.WRONG_STATE}

    assert await refused(of, of.grant, 1) == expected.get(state, Code.ROSTER_FROZEN)


async def test_a_place_is_shared_or_ranked(database: Database) -> None:
    of = await tiers(database)
    grant = await of.grant(5)
    apply_until = make.NOW + timedelta(days=3)

    async def rank() -> None:
        async with of.at.writing() as db:
            await windows.open_window(db, of.at.session.id, apply_until, caller=of.bureau, now=make.NOW)

    assert await refused(of, rank) == Code.WRONG_STATE
    await of.hand_back(grant, 5, by=of.town)
    await rank()
    assert await refused(of, of.grant, 1) == Code.RANKED_WINDOW


async def test_what_is_handed_back_goes_to_the_tier_above_and_from_the_town_to_all(database: Database) -> None:
    of = await tiers(database)
    town, office = await of.grant(10), await of.grant_office(4)

    await of.hand_back(office, 2, by=of.office)
    between = await of.shares()
    await of.hand_back(town, 8, by=of.town)

    assert between == [(10, 0, 2, 0), (4, 0, 0, 2)]
    assert await of.shares() == [(10, 0, 2, 8), (4, 0, 0, 2)]
    assert await of.counts() == (0, 0, 2)
    assert await of.at.violations() == []


async def test_nobody_hands_back_what_is_not_unused_nor_twice(database: Database) -> None:
    of = await tiers(database)
    town, office = await of.grant(6), await of.grant_office(4)
    await of.choose(of.at.firm, 1)

    for places in (0, -1, 4):
        assert await refused(of, of.hand_back, office, places, by=of.office) == Code.OUT_OF_RANGE
    assert await refused(of, of.hand_back, town, 3, by=of.town) == Code.OUT_OF_RANGE
    await of.hand_back(office, 3, by=of.office)
    assert await refused(of, of.hand_back, office, 3, by=of.office) == Code.OUT_OF_RANGE
    assert await refused(of, of.hand_back, office, 1, by=of.office, now=SOONER) in {Code.OUT_OF_RANGE, Code.WRONG_STATE}


async def test_a_share_is_handed_back_by_the_tier_that_has_it(database: Database) -> None:
    of = await tiers(database)
    town, office = await of.grant(6), await of.grant_office(4)
    sibling = await of.at.caller(Role.TOWN, of.elsewhere)

    assert await refused(of, of.hand_back, office, 1, by=of.town) == Code.NOT_ALLOWED
    assert await refused(of, of.hand_back, town, 1, by=of.bureau) == Code.NOT_ALLOWED
    assert await refused(of, of.hand_back, town, 1, by=of.office) == Code.NOT_FOUND
    assert await refused(of, of.hand_back, town, 1, by=sibling) == Code.NOT_FOUND
    assert await refused(of, of.hand_back, PlaceGrant(id=9_999_999), 1, by=sibling) == Code.NOT_FOUND
    assert await refused(of, of.hand_back, town, 1, by=of.at.firm.caller) == Code.NOT_ALLOWED


async def test_a_cancelled_session_ends_its_shares(database: Database) -> None:
    of = await tiers(database)
    _, office = await of.grant(6), await of.grant_office(4)
    await of.choose(of.at.firm, 2)

    async with of.at.writing() as db:
        await cancellation.call_off(db, of.at.session.id, "停电", caller=of.bureau, now=make.NOW)

    assert await of.shares() == [(6, 0, 0, 6), (4, 0, 0, 4)]
    assert await of.counts() == (0, 0, 0)
    assert await refused(of, of.hand_back, office, 1, by=of.office) == Code.WRONG_STATE
    assert await of.at.violations() == []
