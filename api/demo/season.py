"""The play, act by act: asking, planning, consulting, publishing, booking, sitting; as many rounds as it takes."""

from datetime import date, datetime, timedelta
from typing import Any

from api.demo.asking import firms_ask
from api.demo.attending import days_pass
from api.demo.certifying import bureau_issues, firms_take_retakes, years_later
from api.demo.consulting import everyone_answers, exam_body_answers
from api.demo.documents import OPEN_REQUESTS, REPORT, ROUND_OPEN, ROUND_PLANS
from api.demo.naming import firms_change_their_minds, firms_name_people, latecomers_book
from api.demo.round_calendar import CONSULTING, HORIZON, calendar_from
from api.demo.stage import Stage

BETWEEN_LOOKS = timedelta(days=2)
BETWEEN_ROUNDS = timedelta(days=21)
MOST_ROUNDS_OF_ANSWERS = 8
MOST_ROUNDS = 6
SEARCH_SECONDS = 8.0


async def play(stage: Stage) -> dict[str, Any]:
    """Everything once, and what it came to."""
    stage.say("firms ask for their workers' exams")
    await firms_ask(stage)
    while await open_requests(stage) and len(stage.ledger.rounds) < MOST_ROUNDS:
        await play_round(stage)
        await live_until(stage, stage.clock() + BETWEEN_ROUNDS)
    await live_until(stage, stage.clock() + HORIZON)
    left = await open_requests(stage)
    stage.say("years pass; certificates fall due for renewal")
    await years_later(stage)
    return {
        "counts": dict(stage.ledger.counts),
        "objections": stage.ledger.objections,
        "refusals": dict(stage.ledger.refusals),
        "rounds": stage.ledger.rounds,
        "report": (await stage.bureau.ask(REPORT))["report"],
        "unplaced": left,
    }


async def open_requests(stage: Stage) -> list[dict[str, Any]]:
    """What firms still wait for."""
    return [each async for each in stage.bureau.pages(OPEN_REQUESTS)]


async def live_until(stage: Stage, moment: datetime) -> None:
    """Let days pass: people come to their sessions, marks arrive, certificates are issued, retakes accepted."""
    while stage.clock() < moment:
        await stage.wait_until(min(moment, stage.clock() + BETWEEN_LOOKS))
        await days_pass(stage)
        await bureau_issues(stage)
        await firms_take_retakes(stage)


async def play_round(stage: Stage) -> None:
    """One round, from its opening to its publication and the naming of people."""
    wishes = [date.fromisoformat(each["earliestDay"]) for each in await open_requests(stage)]
    calendar = calendar_from(stage.clock(), min(wishes))
    opened = await stage.bureau.act(ROUND_OPEN, **calendar, seed=1, timeLimitSeconds=SEARCH_SECONDS)
    round_id, number = opened["round"]["id"], opened["round"]["number"]
    stage.say(f"round {number} collects requests")
    await live_until(stage, datetime.fromisoformat(calendar["collectUntil"]))
    stage.say(f"round {number} is planned; everyone it concerns is asked")
    await consult(stage)
    await live_until(stage, datetime.fromisoformat(calendar["publishAt"]))
    stage.ledger.rounds.append((await stage.bureau.ask(ROUND_PLANS, id=round_id))["node"])
    stage.say(f"round {number} is published; firms name their people, and others take open places")
    await firms_name_people(stage)
    await firms_change_their_minds(stage)
    await latecomers_book(stage)


async def consult(stage: Stage) -> None:
    """
    Everyone answers; objections lead to a new plan, on which everyone answers again.

    After that the silent offices' deadline passes, their towns speak for them, and the exam body confirms.
    """
    end = stage.clock() + CONSULTING
    may_object = True
    for _ in range(MOST_ROUNDS_OF_ANSWERS):
        await everyone_answers(stage, may_object=may_object)
        await exam_body_answers(stage)
        may_object = False
        if stage.clock() >= end:
            return
        await live_until(stage, min(end, stage.clock() + BETWEEN_LOOKS))
