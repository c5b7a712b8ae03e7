"""What a firm reads when a plan has no place for it: the cheapest way out, with names in place of a problem's keys."""

import re
from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam, Item
from models.places import Site
from scheduler.catalogue import exam_name
from scheduler.problem_keys import key_in_problem

PARTS = {"am": "morning", "pm": "afternoon", "eve": "evening"}
HALF_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})-(am|pm|eve)\b")
KEY = re.compile(r"\b[a-z_]+-\d+\b")
FEN_A_YUAN = 100


async def names_in_problem(db: AsyncSession) -> dict[str, str]:
    """How people call what a problem calls by keys, as far as a firm may know it: sites and exams."""
    sites = (await db.exec(select(col(Site.id), col(Site.name)))).all()
    exams = (await db.exec(select(Item, Exam).join(Exam, col(Exam.item_id) == col(Item.id)))).all()
    named = {key_in_problem("site", row_id): name for row_id, name in sites}
    return named | {key_in_problem("exam", exam.id): exam_name(item, exam) for item, exam in exams}


def way_out_in_words(detail: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """The way out that the allocator found, and what it costs more in all; None where it found none."""
    way = detail.get("way_out")
    if way is None:
        return None
    text = KEY.sub(lambda key: names.get(key[0], "another party"), str(way["text"]))
    text = HALF_DAY.sub(lambda found: f"{found[1]} ({PARTS[found[2]]})", text)
    cost = way["extra_cost"] / FEN_A_YUAN
    price = f", for ¥{cost:,.0f} more in all" if cost > 0 else ""
    return f"{text[:1].upper()}{text[1:]}{price}."
