"""Scenes with shares over the tiers: who grants, who hands back, and what each share comes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from models.database import Database
from models.grants import PlaceGrant
from models.places import Jurisdiction
from models.sessions import Session
from models.vocabulary import Role
from scheduler import granting, holding
from scheduler.callers import Caller
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, scene

UNTIL = make.NOW + timedelta(days=10)
SOONER = make.NOW + timedelta(days=5)


@dataclass
class Tiers:
    """A session of twelve places, the tiers that may have shares of it, and firms in and beside them."""

    at: Scene
    bureau: Caller
    town: Caller
    office: Caller
    elsewhere: Jurisdiction  # another town
    office_elsewhere: Jurisdiction
    neighbour: Firm  # of another office of the town
    stranger: Firm  # of another town

    async def grant(
        self, places: int, *, by: Caller | None = None, now: datetime = make.NOW, **given: Any
    ) -> PlaceGrant:
        """Grant places: the bureau to the town, unless said otherwise."""
        to = given.pop("to", self.at.district.town)
        order = granting.GrantOrder(
            given.pop("session_id", self.at.session.id), to.id, places, given.pop("until", UNTIL)
        )
        async with self.at.writing(now) as db:
            return await granting.grant_places(db, order, caller=by or self.bureau, now=now)

    async def grant_office(self, places: int, **given: Any) -> PlaceGrant:
        """Let the town grant places to the office."""
        return await self.grant(places, **{"by": self.town, "to": self.at.district.office, "until": SOONER} | given)

    async def hand_back(self, grant: PlaceGrant, places: int, *, by: Caller, now: datetime = make.NOW) -> PlaceGrant:
        """Hand places back."""
        async with self.at.writing(now) as db:
            return await granting.hand_back(db, grant.id, places, caller=by, now=now)

    async def choose(self, firm: Firm, people: int, *, now: datetime = make.NOW, **given: Any) -> int:
        """Let a firm hold places; the hold's key."""
        choice = holding.Choice(self.at.session.id, people, **given)
        hold = await holding.choose_places(self.at.database, choice, write=None, caller=firm.caller, now=now)
        return hold.id

    async def shares(self) -> list[tuple[int, int, int, int]]:
        """Given, drawn, granted on and gone back of every share, in the order in which they were granted."""
        async with self.at.database.reading() as db:
            rows = (await db.exec(select(PlaceGrant).order_by(col(PlaceGrant.id)))).all()
        return [(row.given, row.drawn, row.granted_on, row.gone_back) for row in rows]

    async def counts(self) -> tuple[int, int, int]:
        """Places held, taken and shared."""
        session = await self.at.row(Session, self.at.session.id)
        return session.held, session.taken, session.shared


async def tiers(database: Database, *, people: int = 6, places: int = 12, **session: Any) -> Tiers:
    """A session whose bureau, town and office act, with firms of the office, of a sibling and of another town."""
    at = await scene(database, people=people, places=places, policy=ANY_SHARE, **session)
    async with at.writing() as db:
        district = at.district
        sibling = await make.make_office(db, town=district.town)
        elsewhere = await make.make_town(db, bureau=district.bureau)
        office_elsewhere = await make.make_office(db, town=elsewhere)
        firms = [await firm_of(db, office, people) for office in (sibling, office_elsewhere)]
    return Tiers(
        at,
        await at.caller(Role.BUREAU),
        await at.caller(Role.TOWN, district.town),
        await at.caller(Role.OFFICE),
        elsewhere,
        office_elsewhere,
        *firms,
    )


async def firm_of(db: Any, office: Jurisdiction, people: int) -> Firm:
    """A firm of an office, with people."""
    enterprise = await make.make_enterprise(db, office=office)
    workers = [await make.make_worker(db, enterprise=enterprise) for _ in range(people)]
    return Firm(enterprise, await make.make_caller(db, role=Role.ENTERPRISE, party=enterprise), workers)
