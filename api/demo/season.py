"""The play, act by act: asking, planning, consulting, publishing; as many rounds as it takes."""

from datetime import date, datetime, timedelta
from typing import Any

from api.demo.asking import firms_ask
from api.demo.consulting import everyone_answers, exam_body_answers
from api.demo.documents import OPEN_REQUESTS, REPORT, ROUND_OPEN, ROUND_PLANS
from api.demo.stage import Stage

COLLECTING = timedelta(days=7)
CONSULTING = timedelta(days=16)
UNTIL_PUBLICATION = timedelta(days=3)
LEAD = timedelta(days=11)
HORIZON = timedelta(days=92)
MOST_ROUNDS_OF_ANSWERS = 8
SEARCH_SECONDS = 8.0


async def play(stage: Stage) -> dict[str, Any]:
    """Everything once, and what it came to."""
    stage.say("firms ask for their workers' exams")
    await firms_ask(stage)
    await play_round(stage)
    return {
        "counts": dict(stage.ledger.counts),
        "objections": dict(stage.ledger.objections),
        "rounds": stage.ledger.rounds,
        "report": (await stage.bureau.ask(REPORT))["report"],
        "unplaced": [request async for request in stage.bureau.pages(OPEN_REQUESTS)],
    }


async def play_round(stage: Stage) -> None:
    """One round, from its opening to its publication."""
    calendar = calendar_from(stage.clock(), await first_wish(stage))
    opened = await stage.bureau.act(ROUND_OPEN, **calendar, seed=1, timeLimitSeconds=SEARCH_SECONDS)
    round_id = opened["round"]["id"]
    stage.say(f"round {opened['round']['number']} collects requests")
    await stage.wait_until(stage.clock() + COLLECTING)
    stage.say("a plan is there; everyone it concerns is asked")
    await consult(stage)
    stage.say("the consultation is over; what is agreed is published")
    await stage.wait_until(datetime.fromisoformat(calendar["publishAt"]))
    stage.ledger.rounds.append((await stage.bureau.ask(ROUND_PLANS, id=round_id))["node"])


async def first_wish(stage: Stage) -> date:
    """The first day that an open request asks for."""
    days = [date.fromisoformat(each["earliestDay"]) async for each in stage.bureau.pages(OPEN_REQUESTS)]
    return min(days)


def calendar_from(now: datetime, first_wish: date) -> dict[str, str]:
    """A round's calendar from now on; its days begin with the first wish, after the lead time at least."""
    collect_until = now + COLLECTING
    consult_until = collect_until + CONSULTING
    publish_at = consult_until + UNTIL_PUBLICATION
    first_day = max((publish_at + LEAD).date(), first_wish)
    return {
        "firstDay": first_day.isoformat(),
        "lastDay": (first_day + HORIZON).isoformat(),
        "collectUntil": collect_until.isoformat(),
        "consultUntil": consult_until.isoformat(),
        "publishAt": publish_at.isoformat(),
    }


async def consult(stage: Stage) -> None:
    """
    Everyone answers; objections lead to a new plan, on which everyone answers again.

    After that the silent offices' deadline passes, their towns speak for them, and the exam body confirms.
    """
    may_object = True
    for _ in range(MOST_ROUNDS_OF_ANSWERS):
        answers = await everyone_answers(stage, may_object=may_object)
        answers += await exam_body_answers(stage)
        may_object = False
        due = await stage.worker.next_due()
        if due is None or (not answers and due > stage.clock() + CONSULTING):
            return
        await stage.wait_until(min(due, stage.clock() + timedelta(days=4)))
