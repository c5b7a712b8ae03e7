from datetime import date, timedelta

import pytest
from sqlalchemy import event

from models.catalogue import Exam, ItemRule
from models.database import Database
from models.outcomes import Result
from models.parties import Worker
from models.vocabulary import CertificateState, Education, Outcome, SessionState, Subject
from scheduler import candidates, eligibility
from scheduler.eligibility import Occasion, Standing, Upcoming
from scheduler.refusals import Code
from tests import factories as make

TODAY = date(2026, 3, 2)
EXAM_DAY = date(2026, 4, 15)


def rule(**given: object) -> ItemRule:
    usual = {
        "least_age": 18,
        "most_age": 60,
        "least_education": Education.JUNIOR_SECONDARY,
        "least_years_of_work": 0,
        "retakes": 1,
        "retake_window_months": 12,
    }
    return ItemRule(**(usual | given))


def occasion(**given: object) -> Occasion:
    usual = {"enterprise_id": 7, "rule": rule(), "on": EXAM_DAY, "asked_on": TODAY}
    return Occasion(**(usual | given))


def standing(
    *, subject: Subject = Subject.THEORY, worker: dict[str, object] | None = None, **given: object
) -> Standing:
    person = {"id": 1, "enterprise_id": 7, "born_on": date(1990, 1, 1), "education": Education.COLLEGE}
    who = Worker(**(person | {"years_of_work": 5} | (worker or {})))
    return Standing(worker=who, exam=Exam(id=3, item_id=2, subject=subject), **given)


def sat(outcome: Outcome, on: date, *, series: int = 1, attempt: int = 1) -> Result:
    return Result(worker_id=1, exam_id=3, outcome=outcome, sat_on=on, series=series, attempt=attempt)


def code_of(reason: object) -> Code | None:
    return getattr(reason, "code", None)


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(2008, 3, 3), Code.TOO_YOUNG),  # eighteen tomorrow
        (date(2008, 3, 2), None),  # eighteen today
        (date(1965, 3, 3), None),  # sixty until tomorrow
        (date(1965, 3, 2), Code.TOO_OLD),  # sixty-one today
        (date(1964, 8, 1), Code.TOO_OLD),
    ],
)
def test_age_counts_on_the_day_of_application(born: date, expected: Code | None) -> None:
    assert code_of(eligibility.why_not_age(standing(worker={"born_on": born}), occasion())) == expected


@pytest.mark.parametrize("born", [date(1992, 2, 29), date(2004, 2, 29)])
def test_a_leap_day_birthday_has_a_year_in_every_year(born: date) -> None:
    assert eligibility.age_on(born, date(2026, 2, 28)) == 2026 - born.year
    assert eligibility.age_on(born, date(2026, 2, 27)) == 2025 - born.year


@pytest.mark.parametrize(
    ("has", "asked", "expected"),
    [
        (Education.PRIMARY, Education.JUNIOR_SECONDARY, Code.TOO_LITTLE_SCHOOLING),
        (Education.JUNIOR_SECONDARY, Education.JUNIOR_SECONDARY, None),
        (Education.JUNIOR_SECONDARY, Education.SENIOR_SECONDARY, Code.TOO_LITTLE_SCHOOLING),
        (Education.COLLEGE, Education.SENIOR_SECONDARY, None),
    ],
)
def test_schooling_must_reach_the_least_level(has: Education, asked: Education, expected: Code | None) -> None:
    person, item = standing(worker={"education": has}), rule(least_education=asked)

    assert code_of(eligibility.why_not_education(person, occasion(rule=item))) == expected


@pytest.mark.parametrize(("years", "expected"), [(1, Code.TOO_LITTLE_WORK), (2, None)])
def test_years_of_work_must_reach_the_least(years: int, expected: Code | None) -> None:
    person, item = standing(worker={"years_of_work": years}), rule(least_years_of_work=2)

    assert code_of(eligibility.why_not_years_of_work(person, occasion(rule=item))) == expected


def test_another_firms_worker_is_refused() -> None:
    reason = eligibility.why_not_owner(standing(worker={"enterprise_id": 8}), occasion())

    assert code_of(reason) == Code.NOT_YOUR_WORKER


def test_who_holds_the_certificate_is_not_examined() -> None:
    reason = eligibility.why_not_certified(standing(holds_certificate=True), occasion())

    assert code_of(reason) == Code.ALREADY_CERTIFIED


@pytest.mark.parametrize(
    ("passed_on", "expected"),
    [(date(2025, 4, 15), Code.ALREADY_PASSED), (date(2025, 4, 14), None), (date(2026, 3, 1), Code.ALREADY_PASSED)],
)
def test_a_pass_counts_for_twelve_months(passed_on: date, expected: Code | None) -> None:
    person = standing(results=(sat(Outcome.PASSED, passed_on),))

    assert code_of(eligibility.why_not_passed(person, occasion())) == expected


@pytest.mark.parametrize(
    ("theory_passed_on", "expected"),
    [
        (None, Code.THEORY_NOT_PASSED),
        (date(2026, 4, 15), Code.THEORY_NOT_PASSED),  # the same day
        (date(2026, 4, 14), None),
        (date(2025, 4, 15), None),
        (date(2025, 4, 14), Code.THEORY_NOT_PASSED),  # a year and a day ago
    ],
)
def test_a_gated_practical_needs_a_theory_pass_that_counts(
    theory_passed_on: date | None, expected: Code | None
) -> None:
    person = standing(subject=Subject.PRACTICAL, needs_theory=True, theory_passed_on=theory_passed_on)

    assert code_of(eligibility.why_not_theory_first(person, occasion())) == expected


def test_an_ungated_practical_and_a_theory_need_no_theory_pass() -> None:
    ungated = standing(subject=Subject.PRACTICAL, needs_theory=False)
    theory = standing(subject=Subject.THEORY, needs_theory=True)

    assert eligibility.why_not_theory_first(ungated, occasion()) is None
    assert eligibility.why_not_theory_first(theory, occasion()) is None


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ABSENT])
def test_nobody_sits_again_on_the_same_day(outcome: Outcome) -> None:
    today, yesterday = sat(outcome, EXAM_DAY), sat(outcome, EXAM_DAY - timedelta(days=1))

    assert code_of(eligibility.why_not_retake(standing(results=(today,)), occasion())) == Code.RETAKE_NOT_OPEN
    assert eligibility.why_not_retake(standing(results=(yesterday,)), occasion()) is None


def test_when_the_retakes_are_used_a_new_application_begins_a_new_series() -> None:
    used = standing(
        results=(sat(Outcome.FAILED, date(2026, 1, 10)), sat(Outcome.FAILED, date(2026, 2, 10), attempt=2)),
    )

    assert eligibility.why_not(used, occasion(), eligibility.BOOKING_RULES) == []


def test_an_item_without_retakes_gives_no_window() -> None:
    assert eligibility.retake_window(EXAM_DAY, rule(retakes=0, retake_window_months=0)) is None
    assert eligibility.retake_window(EXAM_DAY, rule()) == (date(2026, 4, 16), date(2027, 4, 15))


def test_one_place_a_person_and_exam() -> None:
    reason = eligibility.why_not_booked(standing(upcoming=(Upcoming(5, date(2026, 4, 1)),)), occasion())

    assert code_of(reason) == Code.ALREADY_BOOKED


def test_every_reason_is_given_in_the_order_of_the_table_and_names_the_worker() -> None:
    person = standing(
        worker={"enterprise_id": 8, "born_on": date(1960, 1, 1), "education": Education.PRIMARY, "years_of_work": 0},
        holds_certificate=True,
    )

    reasons = eligibility.why_not(person, occasion(rule=rule(least_years_of_work=2)), eligibility.BOOKING_RULES)

    assert [reason.code for reason in reasons] == [
        Code.NOT_YOUR_WORKER,
        Code.TOO_OLD,
        Code.TOO_LITTLE_SCHOOLING,
        Code.TOO_LITTLE_WORK,
        Code.ALREADY_CERTIFIED,
    ]
    assert {reason.worker_id for reason in reasons} == {1}


@pytest.mark.asyncio
async def test_a_standing_gathers_passes_certificates_and_places(database: Database) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        item = district.item
        at = {"site": district.site, "exam_body": district.exam_body}
        worker = await make.make_worker(db, enterprise=district.enterprise)
        other = await make.make_worker(db, enterprise=district.enterprise)
        held = await make.make_session(db, **at, exam=item.theory, state=SessionState.HELD, day=date(2026, 2, 25))
        sitting = await make.make_booking(db, session=held, worker=worker)
        await make.make_result(
            db, booking=sitting, exam=item.theory, rule=item.theory_rule, mark=70, sat_on=date(2026, 2, 25)
        )
        coming = await make.make_session(db, **at, exam=item.practical)
        await make.make_booking(db, session=coming, worker=worker)
        await make.make_certificate(db, worker=other, item=item, state=CertificateState.PENDING)

        found = await candidates.standings_of(db, [worker, other], item.practical, gated=True, today=TODAY)

    assert found[worker.id].theory_passed_on == date(2026, 2, 25)
    assert found[worker.id].results == ()
    assert found[worker.id].upcoming == (Upcoming(coming.id, coming.day),)
    assert not found[worker.id].holds_certificate
    assert found[other.id].theory_passed_on is None
    assert found[other.id].holds_certificate


@pytest.mark.asyncio
async def test_standings_cost_the_same_statements_for_one_and_for_many(database: Database) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        item, firm = await make.make_item(db), await make.make_enterprise(db)
        workers = [await make.make_worker(db, enterprise=firm) for _ in range(20)]
        counted: list[str] = []
        event.listen(
            database.engine.sync_engine, "before_cursor_execute", lambda *args: counted.append(args[2]), named=False
        )

        await candidates.standings_of(db, workers[:1], item.theory, gated=True, today=TODAY)
        for_one = len(counted)
        await candidates.standings_of(db, workers, item.theory, gated=True, today=TODAY)

    assert for_one == 4
    assert len(counted) == 8
