"""Items, their exams, and the regulator's numbers with where each comes from."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models import catalogue as tables
from scheduler.district.catalogue import IN_FORCE_FROM, Item, ItemRule, SubjectRule, provenance
from scheduler.district.values import ExamKey
from scheduler.seeding.known import ExamIds
from scheduler.seeding.rows import Row, add

_EXAM_RULE_NUMBERS = ("full_mark", "pass_mark", "minutes_a_candidate", "staff", "least_people")


async def add_catalogue(db: AsyncSession, items: Sequence[Item]) -> ExamIds:
    """Load the items with their first rule; the exams' ids."""
    item_ids = await add(db, tables.Item, [_item(item) for item in items])
    rule_ids = await add(db, tables.ItemRule, [_rule(item, id_) for item, id_ in zip(items, item_ids, strict=True)])
    exams = [
        (ExamKey(item.key, subject.subject), item_id, rule_id, subject)
        for item, item_id, rule_id in zip(items, item_ids, rule_ids, strict=True)
        for subject in item.subjects
    ]
    exam_ids = await add(db, tables.Exam, [{"item_id": item, "subject": key.subject} for key, item, _, _ in exams])
    with_ids = list(zip(exams, exam_ids, strict=True))
    await add(db, tables.ExamRule, [_exam_rule(rule, at, subject) for (_, _, rule, subject), at in with_ids])
    return {key: exam_id for (key, _, _, _), exam_id in with_ids}


def _item(item: Item) -> Row:
    return {
        "code": item.code,
        "scope_limit": item.scope_limit,
        "name": item.name,
        "english_name": item.english_name,
    }


def _rule(item: Item, item_id: int) -> Row:
    numbers = {field.name: getattr(item.rule, field.name).value for field in fields(ItemRule)}
    return {"item_id": item_id, "in_force_from": IN_FORCE_FROM, "provenance": _provenance(item), **numbers}


def _exam_rule(rule_id: int, exam_id: int, subject: SubjectRule) -> Row:
    numbers = {name: getattr(subject, name).value for name in _EXAM_RULE_NUMBERS}
    return {"rule_id": rule_id, "exam_id": exam_id, **numbers}


def _provenance(item: Item) -> dict[str, Any]:
    """The rule's own numbers by name, a subject's as `THEORY.pass_mark`."""
    sources: dict[str, Any] = dict(provenance(item.rule))
    for subject in item.subjects:
        stated = provenance(subject)
        sources |= {f"{subject.subject}.{name}": stated[name] for name in _EXAM_RULE_NUMBERS}
    return sources
