"""Certificates: decided by the bureau, valid for the rule's years, expired by themselves."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry, OutboxMessage
from models.outcomes import Certificate
from models.vocabulary import CertificateState, Role
from scheduler.callers import Caller
from scheduler.certificates import EXPIRIES, Decision, decide_certificates
from scheduler.refusals import Code, Refusal, Refused
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

LEAP_DAY = datetime(2028, 2, 29, 2, 0, tzinfo=UTC)


async def pending(at: Scene, people: int = 2) -> list[int]:
    async with at.writing() as db:
        return [
            (await make.make_certificate(db, worker=worker, item=at.district.item, state=CertificateState.PENDING)).id
            for worker in at.firm.workers[:people]
        ]


async def decide(
    at: Scene,
    keys: list[int],
    *,
    grant: bool = True,
    remark: str = "",
    caller: Caller | None = None,
    now: datetime = make.NOW,
) -> list[Certificate]:
    caller = caller or await at.caller(Role.BUREAU)
    async with at.writing(now) as db:
        decision = Decision(tuple(keys), grant=grant, remark=remark)
        return await decide_certificates(db, decision, caller=caller, now=now)


async def refused(at: Scene, keys: list[int], **given: object) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await decide(at, keys, **given)  # type: ignore[arg-type]
    assert await at.entries() == before
    return list(raised.value.reasons)


async def messages(at: Scene) -> list[tuple[str, str]]:
    async with at.database.reading() as db:
        rows = (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all()
    return [(row.recipient, row.body) for row in rows]


async def test_a_granted_certificate_is_valid_for_the_years_of_its_rule(database: Database) -> None:
    at = await scene(database)
    keys = await pending(at)

    rows = await decide(at, list(reversed(keys)))

    assert [row.id for row in rows] == list(reversed(keys))
    stored = await at.row(Certificate, keys[0])
    assert (stored.state, stored.issued_on, stored.expires_on) == (
        CertificateState.VALID,
        date(2026, 3, 2),
        date(2030, 3, 2),
    )
    names = [f"{worker.name} ({at.district.item.item.code}): valid until 2030-03-02" for worker in at.firm.workers[:2]]
    assert await messages(at) == [(f"enterprise:{at.firm.enterprise.id}", "; ".join(names))]


async def test_a_certificate_of_a_leap_day_ends_on_the_28th_where_there_is_no_29th(database: Database) -> None:
    at = await scene(database, item={"valid_years": 3})
    keys = await pending(at, 1)

    await decide(at, keys, now=LEAP_DAY)

    stored = await at.row(Certificate, keys[0])
    assert (stored.issued_on, stored.expires_on) == (date(2028, 2, 29), date(2031, 2, 28))


async def test_a_refusal_says_why_to_the_firm_and_in_the_audit_trail(database: Database) -> None:
    at = await scene(database)
    keys = await pending(at, 1)

    await decide(at, keys, grant=False, remark="材料不全")

    stored = await at.row(Certificate, keys[0])
    assert (stored.state, stored.issued_on, stored.expires_on) == (CertificateState.REFUSED, None, None)
    async with database.reading() as db:
        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "decided"))).one()
    assert (noted.entity_id, noted.detail) == (keys[0], {"grant": False, "remark": "材料不全"})
    assert (await messages(at))[0][1].endswith("refused: 材料不全")


async def test_a_refusal_without_a_reason_is_none(database: Database) -> None:
    at = await scene(database)
    keys = await pending(at, 1)

    reasons = await refused(at, keys, grant=False, remark="  ")

    assert [(reason.code, reason.path) for reason in reasons] == [(Code.BAD_INPUT, ("input", "remark"))]
    assert codes(await refused(at, keys, remark="x" * 501)) == [Code.OUT_OF_RANGE]


async def test_each_certificate_that_cannot_be_decided_is_named_and_none_is(database: Database) -> None:
    at = await scene(database)
    elsewhere = await scene(database)
    foreign = (await pending(elsewhere, 1))[0]
    keys = await pending(at)
    await decide(at, keys[:1])

    reasons = await refused(at, [keys[1], keys[0], foreign, 10**15])

    assert [(reason.code, reason.path[-1]) for reason in reasons] == [
        (Code.WRONG_STATE, "1"),
        (Code.NOT_FOUND, "2"),
        (Code.NOT_FOUND, "3"),
    ]
    assert (await at.row(Certificate, keys[1])).state is CertificateState.PENDING


@pytest.mark.parametrize(
    ("keys", "code"), [([], Code.BAD_INPUT), (list(range(201)), Code.OUT_OF_RANGE), ([1, 1], Code.BAD_INPUT)]
)
async def test_one_to_two_hundred_are_decided_at_a_time_each_once(
    database: Database, keys: list[int], code: Code
) -> None:
    at = await scene(database)

    assert codes(await refused(at, keys)) == [code]


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.OFFICE, Role.EXAM_BODY, Role.EXAMINER])
async def test_only_the_bureau_issues(database: Database, role: Role) -> None:
    at = await scene(database)
    keys = await pending(at, 1)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    assert codes(await refused(at, keys, caller=caller)) == [Code.NOT_ALLOWED]


async def test_a_certificate_expires_when_its_last_day_is_over_in_shanghai(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        made = await make.make_certificate(
            db,
            worker=at.firm.workers[0],
            item=at.district.item,
            issued_on=date(2022, 5, 31),
            expires_on=date(2026, 5, 31),
        )
    midnight = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)

    async with database.reading() as db:
        due = (await db.exec(EXPIRIES.next_due())).one()
    done = []
    for moment in (midnight - timedelta(seconds=1), midnight, midnight):
        async with database.writing(actor="job:test", now=moment) as db:
            done.append(await EXPIRIES.step(db, moment))

    assert due == midnight
    assert done == [0, 1, 0]
    assert (await at.row(Certificate, made.id)).state is CertificateState.EXPIRED
