"""The day: people come or don't, and the exam body reports their marks."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from api.demo.documents import (
    ATTENDANCE_RECORD,
    ENDED_SESSIONS,
    RESULTS_RECORD,
    ROSTER,
)
from api.demo.people import Person
from api.demo.stage import Stage
from scheduler.calendar import SHANGHAI

NO_SHOWS = 0.06
PASS_RATES = {"THEORY": 0.80, "PRACTICAL": 0.85}
PASSING, FAILING = (70, 100), (40, 69)


async def days_pass(stage: Stage) -> None:
    """Mark who came to the sessions that have ended, and report their marks."""
    await mark_attendance(stage)
    await report_marks(stage)


async def ended(stage: Stage, state: str) -> list[dict[str, Any]]:
    """The sessions in a state that are over by now."""
    tomorrow = stage.clock().astimezone(SHANGHAI).date() + timedelta(days=1)
    sessions = stage.exam_body.pages(ENDED_SESSIONS, states=[state], before=tomorrow.isoformat())
    return [each async for each in sessions if datetime.fromisoformat(each["endsAt"]) <= stage.clock()]


async def roster(person: Person, session_id: str) -> list[dict[str, Any]]:
    """The people booked in a session."""
    return [booking async for booking in person.pages(ROSTER, id=session_id)]


async def mark_attendance(stage: Stage) -> None:
    """An examiner on duty marks each person as present or absent."""
    logins = {examiner.name: stage.logins.examiners[examiner.key] for examiner in stage.district.examiners}
    for session in await ended(stage, "FROZEN"):
        examiner = stage.crowd(logins[session["staff"][0]["name"]])
        came: dict[bool, list[str]] = defaultdict(list)
        for booking in await roster(examiner, session["id"]):
            came[stage.chance.random() >= NO_SHOWS].append(booking["id"])
        await examiner.act(
            ATTENDANCE_RECORD,
            sessionId=session["id"],
            presentBookingIds=came[True],
            absentBookingIds=came[False],
        )
        stage.ledger.counts["sessions held"] += 1
        stage.ledger.counts["people who came"] += len(came[True])
        stage.ledger.counts["people who did not come"] += len(came[False])


async def report_marks(stage: Stage) -> None:
    """The exam body reports a mark for everyone who came."""
    for session in await ended(stage, "HELD"):
        marks = [
            {"bookingId": booking["id"], "mark": mark(stage, session["exam"]["subject"])}
            for booking in await roster(stage.exam_body, session["id"])
            if booking["attendance"] == "PRESENT"
        ]
        payload = await stage.exam_body.act(RESULTS_RECORD, sessionId=session["id"], marks=marks)
        stage.ledger.counts.update(f"results: {result['outcome'].lower()}" for result in payload["results"])


def mark(stage: Stage, subject: str) -> int:
    """A mark by the usual pass rates."""
    passes = stage.chance.random() < PASS_RATES[subject]
    return stage.chance.randint(*(PASSING if passes else FAILING))
