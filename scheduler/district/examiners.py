"""The exam body of a bureau and its examiners: what they may examine, when they are away, whom they must not."""

from collections.abc import Sequence
from random import Random

from models.vocabulary import Subject
from scheduler.calendar import Block, DayHours, WorkCalendar
from scheduler.district.catalogue import GATED_BY_DEFAULT, ITEMS
from scheduler.district.jurisdictions import Bureau
from scheduler.district.numerals import in_chinese
from scheduler.district.values import Enterprise, ExamBody, Examiner, ExamKey, Quarter, Recusal

# Groups of items that one examiner masters, by the letters their codes begin with.
_VEHICLES, _CRANES, _PRESSURE, _LIFTS = ("N",), ("Q",), ("G", "R", "P", "F", "Z"), ("T", "S", "Y")

# Every trade has at least four examiners, so that a pair is free on most half-days; forklifts have the most.
TRADES = (
    *(_VEHICLES + _CRANES for _ in range(5)),
    *(_VEHICLES + _PRESSURE for _ in range(3)),
    *(_VEHICLES + _LIFTS for _ in range(2)),
    *(_CRANES + _PRESSURE for _ in range(2)),
    *(_PRESSURE + _LIFTS for _ in range(2)),
)

# [assumed]: an expert's fee for a half-day, and at most two half-days in three of a month.
_BLOCK_COST_FEN = 20_000
_MOST_BLOCKS_A_ROUND = 40

# Examiners have posts of their own: three of the week's ten half-days are theirs, and a week of leave a quarter.
_OWN_HALF_DAYS_A_WEEK = 3
_WORKING_DAYS_A_WEEK = 5
_DAYS_OF_LEAVE = 7

_RECUSAL_REASONS = ("曾在该单位任职", "曾为该单位培训授课")


def exam_body_of(bureau: Bureau) -> ExamBody:
    """The municipal body as the bureau knows it."""
    return ExamBody(
        key=bureau.key("x", 1),
        name=f"市特种设备作业人员考试机构（{bureau.label}示例）",
        bureau=bureau.node.code,
        is_gated=GATED_BY_DEFAULT.value,
    )


def examiners_of(
    bureau: Bureau, enterprises: Sequence[Enterprise], *, quarter: Quarter, chance: Random
) -> tuple[Examiner, ...]:
    """Fourteen examiners, each free on about six half-days in ten."""
    blocks = WorkCalendar({}, DayHours()).blocks_between(quarter.starts_on, quarter.ends_on)
    return tuple(
        Examiner(
            key=bureau.key("t", number),
            name=f"示例考评员{in_chinese(number, width=2)}",
            exam_body=bureau.key("x", 1),
            skills=_skills(trade),
            leave=_leave(blocks, quarter, chance),
            recusals=_recusals(enterprises, chance),
            block_cost_fen=_BLOCK_COST_FEN,
            most_blocks_a_round=_MOST_BLOCKS_A_ROUND,
        )
        for number, trade in enumerate(TRADES, start=1)
    )


def _skills(trade: Sequence[str]) -> tuple[ExamKey, ...]:
    """The practicals of one's trade, and every theory: an invigilator need not know the machine."""
    return tuple(
        ExamKey(item.key, rule.subject)
        for item in ITEMS
        for rule in item.subjects
        if rule.subject is Subject.THEORY or item.code[0] in trade
    )


def _leave(blocks: Sequence[Block], quarter: Quarter, chance: Random) -> tuple[Block, ...]:
    week = sorted({(block.day.weekday(), block.part) for block in blocks if block.day.weekday() < _WORKING_DAYS_A_WEEK})
    own = chance.sample(week, _OWN_HALF_DAYS_A_WEEK)
    away_from = chance.randrange(quarter.days - _DAYS_OF_LEAVE)
    away = range(away_from, away_from + _DAYS_OF_LEAVE)
    return tuple(
        block
        for block in blocks
        if (block.day.weekday(), block.part) in own or (block.day - quarter.starts_on).days in away
    )


def _recusals(enterprises: Sequence[Enterprise], chance: Random) -> tuple[Recusal, ...]:
    firms = chance.sample(enterprises, chance.randint(0, 2))
    return tuple(Recusal(enterprise=firm.credit_code, reason=chance.choice(_RECUSAL_REASONS)) for firm in firms)
