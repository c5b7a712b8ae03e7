"""
The rule of an item in force on a day for a bureau: a result is judged by the rule of its day, not by today's.

A bureau's own version goes before the regulator's common one from its first day on; without one the common rule holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam, ExamRule, Item, ItemRule
from models.vocabulary import Subject
from scheduler.refusals import Code, refuse


@dataclass(frozen=True, slots=True)
class ExamInForce:
    """An exam with its item and the numbers that hold on a day."""

    exam: Exam
    item: Item
    item_rule: ItemRule
    exam_rule: ExamRule


def rules_for(bureau_id: int | None) -> ColumnElement[bool]:
    """The common versions, and a bureau's own."""
    return col(ItemRule.bureau_id).is_(None) | (col(ItemRule.bureau_id) == bureau_id)


def order_of_precedence() -> tuple[ColumnElement[bool], ColumnElement[date]]:
    """Common versions before own ones, earlier before later: of those begun by a day, the last is in force."""
    return col(ItemRule.bureau_id).is_not(None), col(ItemRule.in_force_from).asc()


async def exams_in_force(
    db: AsyncSession, exam_ids: Iterable[int], *, bureau_id: int | None, on: date
) -> dict[int, ExamInForce]:
    """The exams with the rules in force on the day in a bureau, by exam; an exam without a rule by then is missing."""
    rows = await db.exec(
        select(Exam, Item, ItemRule, ExamRule)
        .join(Item, col(Item.id) == col(Exam.item_id))
        .join(ItemRule, col(ItemRule.item_id) == col(Item.id))
        .join(ExamRule, (col(ExamRule.rule_id) == col(ItemRule.id)) & (col(ExamRule.exam_id) == col(Exam.id)))
        .where(col(Exam.id).in_(list(exam_ids)), rules_for(bureau_id), col(ItemRule.in_force_from) <= on)
        .order_by(*order_of_precedence())
    )
    return {exam.id: ExamInForce(exam, item, rule, exam_rule) for exam, item, rule, exam_rule in rows.all()}


async def exams_between(
    db: AsyncSession, exam_ids: Iterable[int], *, bureau_id: int, first_day: date, last_day: date
) -> dict[int, list[ExamInForce]]:
    """
    The exams with every rule in force on some day of a span in a bureau, in order, by exam.

    An exam without a rule by the first day is missing: it cannot be held on all of the days.
    """
    wanted = list(exam_ids)
    begun = await exams_in_force(db, wanted, bureau_id=bureau_id, on=first_day)
    found = {exam_id: [exam] for exam_id, exam in begun.items()}
    changes = select(col(ItemRule.in_force_from)).where(
        rules_for(bureau_id), col(ItemRule.in_force_from) > first_day, col(ItemRule.in_force_from) <= last_day
    )
    for day in sorted(set((await db.exec(changes)).all())):
        then = await exams_in_force(db, found, bureau_id=bureau_id, on=day)
        for exam_id, exam in then.items():
            found[exam_id].append(exam)
    return found


async def exam_in_force(db: AsyncSession, exam_id: int, *, bureau_id: int | None, on: date) -> ExamInForce:
    """
    One exam with the rules in force on the day in a bureau.

    Raises:
        Refused: NOT_FOUND where no rule of the item is in force by then.
    """
    found = (await exams_in_force(db, [exam_id], bureau_id=bureau_id, on=on)).get(exam_id)
    if found is None:
        raise refuse(Code.NOT_FOUND, f"No rule of this exam is in force on {on}: choose a later day.")
    return found


async def exams_of(db: AsyncSession, item_id: int) -> dict[Subject, Exam]:
    """The exams of an item by subject."""
    exams = (await db.exec(select(Exam).where(col(Exam.item_id) == item_id))).all()
    return {exam.subject: exam for exam in exams}


def exam_name(item: Item, exam: Exam) -> str:
    """An exam as people say it: code, limit, subject."""
    limit = f"（{item.scope_limit}）" if item.scope_limit else ""
    return f"{item.code}{limit} {exam.subject.value.lower()}"
