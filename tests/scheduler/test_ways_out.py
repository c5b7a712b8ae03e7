"""Who has no place reads what would have to change, in names and days and not in a problem's keys."""

import pytest

from models.database import Database
from scheduler.problem_keys import key_in_problem
from scheduler.ways_out import names_in_problem, way_out_in_words
from tests.scenes import scene

NAMES = {"site-12": "新桥叉车场", "exam-3": "N1 practical"}


def test_keys_become_names_and_half_days_become_days() -> None:
    detail = {"way_out": {"text": "2 more staff for site-12 at 2027-03-01-am", "extra_cost": 60_250.0}}

    told = way_out_in_words(detail, NAMES)

    assert told == "2 more staff for 新桥叉车场 at 2027-03-01 (morning), for ¥602 more in all."


def test_a_way_out_that_saves_money_names_no_price() -> None:
    detail = {"way_out": {"text": "let a site that it may reach offer exam-3 in its window", "extra_cost": -1.0}}

    assert way_out_in_words(detail, NAMES) == "Let a site that it may reach offer N1 practical in its window."


@pytest.mark.parametrize("key", ["request-7", "enterprise-9", "examiner-4", "jurisdiction-2"])
def test_nobody_learns_of_another_party(key: str) -> None:
    told = way_out_in_words({"way_out": {"text": f"withdraw the objection to {key}", "extra_cost": 0.0}}, NAMES)

    assert told == "Withdraw the objection to another party."


def test_where_no_way_out_was_found_none_is_told() -> None:
    assert way_out_in_words({"evidence": {"people_asked": 3}}, NAMES) is None


@pytest.mark.asyncio
async def test_sites_and_exams_are_known_by_name(database: Database) -> None:
    at = await scene(database)
    site, exam = at.district.site, at.district.item.theory

    async with database.reading() as db:
        names = await names_in_problem(db)

    assert names[key_in_problem("site", site.id)] == site.name
    assert names[key_in_problem("exam", exam.id)].endswith("theory")
