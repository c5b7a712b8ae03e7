"""The rule of an item in force on a day: a result is judged by the rule of its day, not by today's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

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


async def exams_in_force(db: AsyncSession, exam_ids: Iterable[int], *, on: date) -> dict[int, ExamInForce]:
    """The exams with the rules in force on the day, by exam; an exam without a rule by then is missing."""
    rows = await db.exec(
        select(Exam, Item, ItemRule, ExamRule)
        .join(Item, col(Item.id) == col(Exam.item_id))
        .join(ItemRule, col(ItemRule.item_id) == col(Item.id))
        .join(ExamRule, (col(ExamRule.rule_id) == col(ItemRule.id)) & (col(ExamRule.exam_id) == col(Exam.id)))
        .where(col(Exam.id).in_(list(exam_ids)), col(ItemRule.in_force_from) <= on)
        .order_by(col(ItemRule.in_force_from))
    )
    return {exam.id: ExamInForce(exam, item, rule, exam_rule) for exam, item, rule, exam_rule in rows.all()}


async def exam_in_force(db: AsyncSession, exam_id: int, *, on: date) -> ExamInForce:
    """
    One exam with the rules in force on the day.

    Raises:
        Refused: NOT_FOUND where no rule of the item is in force by then.
    """
    found = (await exams_in_force(db, [exam_id], on=on)).get(exam_id)
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
