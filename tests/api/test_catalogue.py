import pytest
from sqlalchemy import event
from sqlmodel import col, func, select

from models.catalogue import ItemRule
from models.database import Database
from models.vocabulary import Role
from scheduler.callers import Caller
from scheduler.refusals import Code
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.factories import NOW, MadeItem

pytestmark = pytest.mark.asyncio

ITEMS = """{
  items {
    code
    exams { subject item { code } }
    rules { inForceFrom provenance { field source confidence } examRules { passMark exam { subject } } }
    ruleInForce { validYears }
  }
}"""


async def bureau_and_item(database: Database) -> tuple[Caller, MadeItem]:
    async with database.writing(actor="test", now=NOW) as db:
        bureau = await make.make_bureau(db)
        return await make.make_caller(db, role=Role.BUREAU, party=bureau), await make.make_item(db, code="N1")


def revision(made: MadeItem, **given: object) -> dict[str, object]:
    change = {"field": "VALID_YEARS", "number": 5, "source": "新规", "confidence": "FOUND"}
    item_id = global_id("Item", made.item.id)
    return {"itemId": item_id, "inForceFrom": "2026-06-01", "changes": [change]} | given


async def test_a_rule_is_revised_from_a_day_on(database: Database) -> None:
    caller, made = await bureau_and_item(database)
    wanted = (
        "item { rules { inForceFrom validYears } today: ruleInForce { validYears }"
        ' then: ruleInForce(on: "2026-06-01") { validYears } }'
    )

    payload = await act(database, caller, "itemRuleRevise", revision(made), wanted)

    assert payload["refused"] == []
    assert payload["item"] == {
        "rules": [
            {"inForceFrom": "2019-06-01", "validYears": 4},
            {"inForceFrom": "2026-06-01", "validYears": 5},
        ],
        "today": {"validYears": 4},
        "then": {"validYears": 5},
    }


async def test_a_pass_mark_above_the_full_mark_is_refused_by_name(database: Database) -> None:
    caller, made = await bureau_and_item(database)
    too_high = {"field": "PASS_MARK", "subject": "THEORY", "number": 101, "source": "新规", "confidence": "FOUND"}

    payload = await act(database, caller, "itemRuleRevise", revision(made, changes=[too_high]), "item { id }")

    assert payload["item"] is None
    assert payload["refused"] == ["OUT_OF_RANGE input changes 0 number"]
    async with database.reading() as db:
        assert (await db.exec(select(func.count(col(ItemRule.id))))).one() == 1


async def test_a_forged_an_absent_and_another_kind_of_id_answer_alike(database: Database) -> None:
    caller, made = await bureau_and_item(database)
    forged = ("nonsense", global_id("Item", 10**9), global_id("Exam", made.theory.id), global_id("Item", 10**30))

    for item_id in forged:
        payload = await act(database, caller, "itemRuleRevise", revision(made, itemId=item_id))
        assert payload["refused"] == ["NOT_FOUND input itemId"]


@pytest.mark.parametrize("role", [Role.OFFICE, Role.TOWN, Role.ENTERPRISE, Role.EXAM_BODY, Role.AUDITOR])
async def test_only_bureaus_revise_rules_and_set_policy(database: Database, role: Role) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        parties = {
            Role.OFFICE: district.office,
            Role.TOWN: district.town,
            Role.ENTERPRISE: district.enterprise,
            Role.EXAM_BODY: district.exam_body,
        }
        caller = await make.make_caller(db, role=role, party=parties.get(role))
    day = {"day": "2026-05-08", "isWorkday": False, "reason": "x"}
    number = {"name": "road_factor", "value": 1.5, "source": "x"}

    for field, taken in (
        ("itemRuleRevise", revision(district.item)),
        ("policySet", number),
        ("calendarOverrideSet", day),
    ):
        assert (await act(database, caller, field, taken))["refused"] == ["NOT_ALLOWED"]


async def test_items_cost_the_same_statements_for_one_and_for_many(database: Database) -> None:
    caller, _ = await bureau_and_item(database)
    counted: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    await read(database, caller, ITEMS)
    for_one = len(counted)
    async with database.writing(actor="test", now=NOW) as db:
        for _ in range(10):
            await make.make_item(db)
    counted.clear()
    found = await read(database, caller, ITEMS)

    assert len(found["items"]) == 11
    assert len(counted) == for_one


async def test_an_item_shows_its_rules_with_their_sources(database: Database) -> None:
    caller, _ = await bureau_and_item(database)

    (item,) = (await read(database, caller, ITEMS))["items"]

    (rule,) = item["rules"]
    assert item["exams"] == [
        {"subject": "THEORY", "item": {"code": "N1"}},
        {"subject": "PRACTICAL", "item": {"code": "N1"}},
    ]
    assert {"field": "most_age", "source": "TSG Z6001-2019", "confidence": "FOUND"} in rule["provenance"]
    assert rule["examRules"] == [
        {"passMark": 70, "exam": {"subject": "THEORY"}},
        {"passMark": 70, "exam": {"subject": "PRACTICAL"}},
    ]


async def test_the_policy_shows_what_was_set_and_the_defaults(database: Database) -> None:
    caller, _ = await bureau_and_item(database)

    payload = await act(
        database,
        caller,
        "policySet",
        {"name": "road_factor", "value": 1.5, "source": "实测"},
        "policyNumber { name value unit source }",
    )
    policy = {
        each["name"]: each for each in (await read(database, caller, "{ policy { name value source } }"))["policy"]
    }

    assert payload["policyNumber"] == {
        "name": "road_factor",
        "value": 1.5,
        "unit": "road km per km as the crow flies",
        "source": "实测",
    }
    assert policy["road_factor"] == {"name": "road_factor", "value": 1.5, "source": "实测"}
    assert policy["publish_lead_days"]["value"] == 10


async def test_a_declared_day_is_told_with_its_reason(database: Database) -> None:
    caller, _ = await bureau_and_item(database)
    declared = {"day": "2026-05-08", "isWorkday": False, "reason": "区运动会"}

    await act(database, caller, "calendarOverrideSet", declared)
    found = await read(
        database,
        caller,
        '{ calendarDays(fromDay: "2026-05-07", beforeDay: "2026-05-09") { day isWorkday isProvisional reason } }',
    )

    assert found["calendarDays"] == [
        {"day": "2026-05-07", "isWorkday": True, "isProvisional": False, "reason": None},
        {"day": "2026-05-08", "isWorkday": False, "isProvisional": False, "reason": "区运动会"},
    ]


async def test_nobody_reads_the_catalogue_without_signing_in(database: Database) -> None:
    answer = await ask(database, None, "{ items { code } }")

    assert [error.code for error in answer["errors"]] == [Code.NOT_SIGNED_IN]
