from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import ExamRule, ItemRule, Setting
from models.database import Database
from models.journal import AuditEntry
from models.places import CalendarOverride, SiteOffer
from models.vocabulary import Confidence, Education, Role, Subject
from scheduler.calendar_days import days_between, set_override, work_calendar
from scheduler.callers import Caller
from scheduler.catalogue import exam_in_force
from scheduler.item_rules import BOUNDS, OF_SUBJECT, Change, RevisionOrder, RuleField, revise_rule
from scheduler.policy import NAMES, Policy, policy_of
from scheduler.policy_changes import BOUNDS as POLICY_BOUNDS
from scheduler.policy_changes import numbers_of, set_policy
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.factories import NOW, TODAY, MadeItem

pytestmark = pytest.mark.asyncio

TOMORROW = TODAY + timedelta(days=1)
PASS_MARK = Change(RuleField.PASS_MARK, "新规 2026", Confidence.BELIEVED, subject=Subject.THEORY, number=75)
VALID_YEARS = Change(RuleField.VALID_YEARS, "新规 2026", Confidence.FOUND, number=5)


async def item_and_bureau(db: AsyncSession) -> tuple[MadeItem, Caller]:
    return await make.make_item(db), await make.make_caller(db, role=Role.BUREAU, party=await make.make_bureau(db))


async def reasons_of(awaited: Awaitable[object]) -> list[tuple[Code, tuple[str, ...]]]:
    with pytest.raises(Refused) as refused:
        await awaited
    return [(reason.code, reason.path) for reason in refused.value.reasons]


async def test_a_result_is_judged_by_the_rule_in_force_on_its_day(database: Database) -> None:
    from_day = date(2026, 6, 1)
    async with database.writing(actor="test", now=NOW) as db:
        made, caller = await item_and_bureau(db)
        order = RevisionOrder(made.item.id, from_day, (PASS_MARK, VALID_YEARS))

        await revise_rule(db, order, caller=caller, now=NOW)

        there = caller.tenant
        before = await exam_in_force(db, made.theory.id, bureau_id=there, on=from_day - timedelta(days=1))
        after = await exam_in_force(db, made.theory.id, bureau_id=there, on=from_day)
        practical = await exam_in_force(db, made.practical.id, bureau_id=there, on=from_day)
        assert (before.exam_rule.pass_mark, before.item_rule.valid_years) == (70, 4)
        assert (after.exam_rule.pass_mark, after.item_rule.valid_years) == (75, 5)
        assert (after.exam_rule.staff, after.item_rule.most_age) == (2, 60)  # copied as they were
        assert practical.exam_rule.pass_mark == 70
        assert after.item_rule.provenance["THEORY.pass_mark"] == {"source": "新规 2026", "confidence": "BELIEVED"}
        assert after.item_rule.provenance["most_age"] == {"source": "TSG Z6001-2019", "confidence": "FOUND"}


async def test_a_bureaus_own_rule_binds_no_other_bureau(database: Database) -> None:
    day = TOMORROW + timedelta(days=30)
    async with database.writing(actor="test", now=NOW) as db:
        made, ours = await item_and_bureau(db)
        theirs = await make.make_caller(db, role=Role.BUREAU, party=await make.make_bureau(db))

        await revise_rule(db, RevisionOrder(made.item.id, TOMORROW, (PASS_MARK,)), caller=ours, now=NOW)
        untouched = await exam_in_force(db, made.theory.id, bureau_id=theirs.tenant, on=day)
        await revise_rule(db, RevisionOrder(made.item.id, TOMORROW, (VALID_YEARS,)), caller=theirs, now=NOW)

        of_ours = await exam_in_force(db, made.theory.id, bureau_id=ours.tenant, on=day)
        of_theirs = await exam_in_force(db, made.theory.id, bureau_id=theirs.tenant, on=day)
        common = await exam_in_force(db, made.theory.id, bureau_id=None, on=day)
        assert (untouched.exam_rule.pass_mark, untouched.item_rule.bureau_id) == (70, None)
        assert (of_ours.exam_rule.pass_mark, of_ours.item_rule.valid_years) == (75, 4)
        assert (of_theirs.exam_rule.pass_mark, of_theirs.item_rule.valid_years) == (70, 5)
        assert (common.exam_rule.pass_mark, common.item_rule.valid_years) == (70, 4)


async def test_a_bureaus_own_rule_goes_before_a_later_common_one(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        made, caller = await item_and_bureau(db)
        await revise_rule(db, RevisionOrder(made.item.id, TOMORROW, (VALID_YEARS,)), caller=caller, now=NOW)
        later = await make.written(
            db,
            ItemRule(
                **made.rule.model_dump(exclude={"id", "in_force_from"}), in_force_from=TOMORROW + timedelta(days=9)
            ),
        )
        for exam, rule in ((made.theory, made.theory_rule), (made.practical, made.practical_rule)):
            numbers = rule.model_dump(exclude={"id", "rule_id", "exam_id"})
            await make.written(db, ExamRule(rule_id=later.id, exam_id=exam.id, **numbers))

        own = await exam_in_force(db, made.theory.id, bureau_id=caller.tenant, on=TOMORROW + timedelta(days=20))
        common = await exam_in_force(db, made.theory.id, bureau_id=None, on=TOMORROW + timedelta(days=20))

        assert (own.item_rule.bureau_id, own.item_rule.valid_years) == (caller.tenant, 5)
        assert common.item_rule.id == later.id


async def test_an_exam_without_a_rule_by_its_day_is_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        made = await make.make_item(db)

        too_early = exam_in_force(db, made.theory.id, bureau_id=None, on=date(2019, 5, 31))
        assert await reasons_of(too_early) == [(Code.NOT_FOUND, ())]


async def test_a_revision_is_noted_with_its_numbers(database: Database) -> None:
    async with database.writing(actor="account:9", now=NOW) as db:
        made, caller = await item_and_bureau(db)
        schooling = Change(RuleField.LEAST_EDUCATION, "新规", Confidence.ASSUMED, education=Education.SENIOR_SECONDARY)

        await revise_rule(db, RevisionOrder(made.item.id, TOMORROW, (schooling,)), caller=caller, now=NOW)

        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "rule revised"))).one()
        assert (noted.actor, noted.entity) == ("account:9", "item_rule")
        assert noted.detail["changes"] == {"least_education": "SENIOR_SECONDARY"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (replace(PASS_MARK, number=101), (Code.OUT_OF_RANGE, ("input", "changes", "0", "number"))),
        (replace(PASS_MARK, number=0), (Code.OUT_OF_RANGE, ("input", "changes", "0", "number"))),
        (replace(PASS_MARK, number=None), (Code.BAD_INPUT, ("input", "changes", "0", "number"))),
        (replace(PASS_MARK, subject=None), (Code.BAD_INPUT, ("input", "changes", "0", "subject"))),
        (replace(VALID_YEARS, subject=Subject.THEORY), (Code.BAD_INPUT, ("input", "changes", "0", "subject"))),
        (replace(VALID_YEARS, source=" "), (Code.BAD_INPUT, ("input", "changes", "0", "source"))),
        (
            replace(PASS_MARK, field=RuleField.MINUTES_A_CANDIDATE, number=-15),
            (Code.OUT_OF_RANGE, ("input", "changes", "0", "number")),
        ),
        (
            replace(PASS_MARK, field=RuleField.FULL_MARK, number=60),  # below the pass mark of 70
            (Code.OUT_OF_RANGE, ("input", "changes")),
        ),
        (
            replace(VALID_YEARS, field=RuleField.LEAST_AGE, number=61),  # above the highest age of 60
            (Code.OUT_OF_RANGE, ("input", "changes")),
        ),
        (
            replace(VALID_YEARS, field=RuleField.LEAST_EDUCATION),
            (Code.BAD_INPUT, ("input", "changes", "0", "education")),
        ),
    ],
)
async def test_numbers_that_make_no_sense_name_their_field(
    database: Database, change: Change, expected: tuple[Code, tuple[str, ...]]
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        made, caller = await item_and_bureau(db)
        order = RevisionOrder(made.item.id, TOMORROW, (change,))

        assert await reasons_of(revise_rule(db, order, caller=caller, now=NOW)) == [expected]
        assert (await db.exec(select(func.count(col(ItemRule.id))))).one() == 1


async def test_a_least_class_larger_than_any_site_is_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        caller = await make.make_caller(db, role=Role.BUREAU, party=district.bureau)
        places = max((await db.exec(select(col(SiteOffer.places)))).all())
        change = replace(PASS_MARK, field=RuleField.LEAST_PEOPLE, number=places + 1)
        order = RevisionOrder(district.item.item.id, TOMORROW, (change,))

        with pytest.raises(Refused, match=f"has {places} places") as refused:
            await revise_rule(db, order, caller=caller, now=NOW)
        fitting = replace(order, changes=(replace(change, number=places),))
        await revise_rule(db, fitting, caller=caller, now=NOW)

    assert [reason.path for reason in refused.value.reasons] == [("input", "changes", "0", "number")]


@pytest.mark.parametrize("changes", [(), (VALID_YEARS, VALID_YEARS)])
async def test_something_changes_and_each_number_once(database: Database, changes: tuple[Change, ...]) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        made, caller = await item_and_bureau(db)

        assert await reasons_of(
            revise_rule(db, RevisionOrder(made.item.id, TOMORROW, changes), caller=caller, now=NOW)
        ) == [(Code.BAD_INPUT, ("input", "changes"))]


async def test_today_a_past_day_and_a_day_with_a_version_are_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        made, caller = await item_and_bureau(db)
        order = RevisionOrder(made.item.id, TOMORROW, (VALID_YEARS,))
        await revise_rule(db, order, caller=caller, now=NOW)

        for day in (TODAY - timedelta(days=1), TODAY):  # results of today's sessions may be in already
            assert await reasons_of(revise_rule(db, replace(order, in_force_from=day), caller=caller, now=NOW)) == [
                (Code.WINDOW_PAST, ("input", "inForceFrom"))
            ]
        assert await reasons_of(revise_rule(db, order, caller=caller, now=NOW)) == [
            (Code.ALREADY_KNOWN, ("input", "inForceFrom"))
        ]


async def test_every_number_of_a_rule_has_its_bounds() -> None:
    assert set(BOUNDS) == set(RuleField) - {RuleField.LEAST_EDUCATION}
    assert set(BOUNDS) >= OF_SUBJECT


async def test_a_bureau_sets_its_own_numbers_and_nobody_elses(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await item_and_bureau(db)
        other = await make.make_bureau(db)

        for days in (14, 15):
            number = await set_policy(db, "publish_lead_days", days, "局务会 2026-02", caller=caller)

        assert (number.value, number.source, number.unit) == (15, "局务会 2026-02", "days")
        assert (await policy_of(db, caller.bureau_id or 0)).publish_lead_days == 15
        assert (await policy_of(db, other.id)) == Policy()
        assert [each.name for each in await numbers_of(db, caller.bureau_id)] == list(NAMES)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("publish_lead_days", -1, (Code.OUT_OF_RANGE, ("input", "value"))),
        ("publish_lead_days", 10.5, (Code.OUT_OF_RANGE, ("input", "value"))),
        ("unplaced_fen", 0, (Code.OUT_OF_RANGE, ("input", "value"))),  # nobody would get a place any more
        ("road_factor", 0.5, (Code.OUT_OF_RANGE, ("input", "value"))),
        ("person_km_fen", float("nan"), (Code.OUT_OF_RANGE, ("input", "value"))),
        ("person_km_fen", float("inf"), (Code.OUT_OF_RANGE, ("input", "value"))),
        ("nonsense", 1, (Code.BAD_INPUT, ("input", "name"))),
    ],
)
async def test_absurd_policies_are_refused(
    database: Database, name: str, value: float, expected: tuple[Code, tuple[str, ...]]
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await item_and_bureau(db)

        assert await reasons_of(set_policy(db, name, value, "x", caller=caller)) == [expected]
        assert (await db.exec(select(func.count(col(Setting.id))))).one() == 0


async def test_an_unknown_number_is_told_the_known_ones(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await item_and_bureau(db)

        with pytest.raises(Refused, match=r"person_km_fen.*road_factor.*attendance_days"):
            await set_policy(db, "nonsense", 1, "x", caller=caller)


async def test_the_bounds_let_every_default_pass() -> None:
    assert set(POLICY_BOUNDS) <= set(NAMES)
    for name, (least, most) in POLICY_BOUNDS.items():
        assert least <= getattr(Policy(), name) <= most


async def test_a_declared_day_stands_above_the_national_calendar(database: Database) -> None:
    sunday, holiday = date(2026, 3, 8), date(2026, 5, 1)
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await item_and_bureau(db)

        await set_override(db, sunday, is_workday=False, reason="先设", caller=caller, now=NOW)
        day = await set_override(db, sunday, is_workday=True, reason="加班考试", caller=caller, now=NOW)
        calendar = await work_calendar(db, caller.tenant)
        elsewhere = await work_calendar(db, (await make.make_bureau(db)).id)
        back = await set_override(db, sunday, is_workday=None, reason="取消", caller=caller, now=NOW)

        assert (day.is_workday, day.reason) == (True, "加班考试")
        assert (calendar.is_workday(sunday), calendar.is_workday(holiday)) == (True, False)
        assert not elsewhere.is_workday(sunday)
        assert (back.is_workday, back.reason) == (False, "weekend")
        assert (await db.exec(select(func.count(col(CalendarOverride.id))))).one() == 0


async def test_days_that_are_over_or_far_off_are_not_declared(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await item_and_bureau(db)

        for day, code in ((date(2026, 3, 1), Code.WINDOW_PAST), (date(9999, 12, 31), Code.OUT_OF_RANGE)):
            declaring = set_override(db, day, is_workday=True, reason="x", caller=caller, now=NOW)
            assert await reasons_of(declaring) == [(code, ("input", "day"))]


async def test_each_day_says_why_it_is_off(database: Database) -> None:
    async with database.reading() as db:
        days = {day.day: day for day in await days_between(db, date(2026, 1, 1), date(2027, 1, 10), bureau_id=None)}

    said = {day: (days[day].is_workday, days[day].is_provisional, days[day].reason) for day in days}
    assert said[date(2026, 1, 1)] == (False, False, "New Year's Day")
    assert said[date(2026, 1, 4)] == (True, False, "make-up workday")
    assert said[date(2026, 1, 5)] == (True, False, None)
    assert said[date(2026, 1, 10)] == (False, False, "weekend")
    assert said[date(2027, 1, 1)] == (False, True, "statutory holiday")
    assert said[date(2027, 1, 4)] == (True, True, None)


@pytest.mark.parametrize("before", [date(2026, 1, 1), date(2025, 12, 1), date(2027, 2, 6)])
async def test_at_most_four_hundred_days_are_told(database: Database, before: date) -> None:
    async with database.reading() as db:
        assert await reasons_of(days_between(db, date(2026, 1, 1), before, bureau_id=None)) == [
            (Code.OUT_OF_RANGE, ("beforeDay",))
        ]
