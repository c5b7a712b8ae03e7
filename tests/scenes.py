"""Scenes of booking and of what follows it: a published session, firms with people, and the auditor's look."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold, Promise
from models.catalogue import Setting
from models.columns import Table
from models.database import Database
from models.journal import AuditEntry
from models.parties import Enterprise, Examiner, Worker
from models.sessions import Claim, Session
from models.vocabulary import BookingState, HoldState, ResourceKind, Role
from scheduler.audit.certificates import CERTIFICATES
from scheduler.audit.claims import CLAIMS
from scheduler.audit.counts import COUNTS
from scheduler.audit.grants import GRANTS
from scheduler.audit.history import HISTORY
from scheduler.audit.invariant import Violation
from scheduler.audit.results import RESULTS
from scheduler.audit.windows import WINDOWS
from scheduler.callers import Caller
from tests import factories as make

T = TypeVar("T", bound=Table)

# Whoever tells of something else than shares lets a firm take all it likes.
ANY_SHARE = {"most_share_percent": 100.0}

# Scenes make sessions without an allocator's plan behind them.
NEEDS_A_PLAN = {"promises-trace-back"}


@dataclass
class Firm:
    """A firm signed in, with its people."""

    enterprise: Enterprise
    caller: Caller
    workers: list[Worker]

    def ids(self, *places: int) -> list[int]:
        """The keys of these of its people; of all where no place is given."""
        return [self.workers[place].id for place in places or range(len(self.workers))]


@dataclass
class Scene:
    """A district with a session and a firm."""

    database: Database
    district: make.District
    session: Session
    firm: Firm
    examiner: Examiner

    @asynccontextmanager
    async def writing(self, now: datetime = make.NOW) -> AsyncIterator[AsyncSession]:
        """A transaction of the test's own."""
        async with self.database.writing(actor="test", now=now) as db:
            yield db

    async def row(self, table: type[T], row_id: int) -> T:
        """The row as it is stored."""
        async with self.database.reading() as db:
            key = col(table.id)  # type: ignore[attr-defined]
            return (await db.exec(select(table).where(key == row_id))).one()

    async def counts(self, session_id: int | None = None) -> tuple[int, int]:
        """Places promised and taken."""
        session = await self.row(Session, session_id or self.session.id)
        return session.promised, session.taken

    async def booked(self, session_id: int | None = None) -> list[int]:
        """The workers with a place, in id order."""
        booked = select(col(Booking.worker_id)).where(
            col(Booking.session_id) == (session_id or self.session.id), col(Booking.state) == BookingState.CONFIRMED
        )
        async with self.database.reading() as db:
            return sorted((await db.exec(booked)).all())

    async def claimed(self, session_id: int | None = None) -> list[int]:
        """The workers whose time the session claims, in id order."""
        claims = select(col(Claim.resource_id)).where(
            col(Claim.session_id) == (session_id or self.session.id), col(Claim.resource) == ResourceKind.WORKER
        )
        async with self.database.reading() as db:
            return sorted((await db.exec(claims)).all())

    async def entries(self) -> int:
        """How much the audit trail holds: nothing is written without it."""
        async with self.database.reading() as db:
            return (await db.exec(select(func.count(col(AuditEntry.id))))).one()

    async def violations(self) -> list[Violation]:
        """What the auditor finds in the rows of places, people and outcomes."""
        looked_at = [
            one
            for one in (*COUNTS, *GRANTS, *CLAIMS, *HISTORY, *RESULTS, *CERTIFICATES, *WINDOWS)
            if one.name not in NEEDS_A_PLAN
        ]
        async with self.database.reading() as db:
            return [found for one in looked_at for found in (await one.verdict(db)).violations]

    async def another_session(self, **given: Any) -> Session:
        """Another session of the exam, at another site of the office."""
        async with self.writing() as db:
            site = await make.make_site(
                db, jurisdiction=self.district.office, exams=[self.district.item.theory], **given.pop("site", {})
            )
            shape = {"exam": self.district.item.theory, "exam_body": self.district.exam_body} | given
            return await make.make_session(db, site=site, **shape)

    async def promise(self, firm: Firm | None = None, *, people: int, **given: Any) -> Promise:
        """Places of the session promised to the firm."""
        enterprise = (firm or self.firm).enterprise
        session = given.pop("session", self.session)
        asked = {"people": people} | given.pop("request", {})
        async with self.writing() as db:
            session = await db.get_one(Session, session.id)
            exam = self.district.item.theory
            request = await make.make_request(db, enterprise=enterprise, exam=exam, **asked)
            return await make.make_promise(db, session=session, request=request, people=people, **given)

    async def held(self, session_id: int | None = None) -> int:
        """Places held."""
        return (await self.row(Session, session_id or self.session.id)).held

    async def holds(self) -> list[HoldState]:
        """Where every hold stands, oldest first."""
        async with self.database.reading() as db:
            return list((await db.exec(select(col(Hold.state)).order_by(col(Hold.id)))).all())

    async def another_firm(self, people: int = 3) -> Firm:
        """Another firm of the same office."""
        async with self.writing() as db:
            return await make_firm(db, self.district, people)

    async def caller(self, role: Role, party: Table | None = None) -> Caller:
        """Somebody else, signed in."""
        own = {
            Role.OFFICE: self.district.office,
            Role.BUREAU: self.district.bureau,
            Role.EXAM_BODY: self.district.exam_body,
            Role.EXAMINER: self.examiner,
        }
        async with self.writing() as db:
            return await make.make_caller(db, role=role, party=party or own.get(role))


async def make_firm(db: AsyncSession, district: make.District, people: int, **worker: Any) -> Firm:
    """A firm of the district's office with its people."""
    enterprise = await make.make_enterprise(db, office=district.office)
    workers = [await make.make_worker(db, enterprise=enterprise, **worker) for _ in range(people)]
    return Firm(enterprise, await make.make_caller(db, role=Role.ENTERPRISE, party=enterprise), workers)


async def scene(  # a scene has its parts
    database: Database,
    *,
    people: int = 5,
    item: dict[str, Any] | None = None,
    policy: dict[str, float] | None = None,
    **session: Any,
) -> Scene:
    """A published theory session with an examiner on duty, and a firm with people; the bureau's own numbers, if any."""
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db, **(item or {}))
        examiner = await make.make_examiner(db, exam_body=district.exam_body, skills=[district.item.theory])
        firm = await make_firm(db, district, people)
        own = {"exam": district.item.theory, "examiners": [examiner]} | session
        for name, value in (policy or {}).items():
            db.add(Setting(bureau_id=district.bureau.id, name=name, value=value, source="test"))
        published = await make.make_session(db, site=district.site, exam_body=district.exam_body, **own)
    return Scene(database, district, published, firm, examiner)


def codes(reasons: Sequence[Any]) -> list[str]:
    """The listed codes of a refusal, in order."""
    return [reason.code.value for reason in reasons]
