"""Names into places: firms name the people of their promises, change their minds, and take places left open."""

from typing import Any

from api.demo.documents import (
    BOOKING_CANCEL,
    BOOKING_CONFIRM,
    BOOKING_CREATE,
    BOOKING_SUBSTITUTE,
    HELD_PROMISES,
    OPEN_SESSIONS,
    WORKER_REGISTER,
)
from api.demo.people import Person
from api.demo.stage import Stage, item_key
from models.vocabulary import Education

CHANGED_SHARE = 0.03
LATECOMERS_A_ROUND = 30
SESSIONS_LOOKED_AT = 20


async def firms_name_people(stage: Stage) -> None:
    """Every firm with held places names its people, those of the request first."""
    for code, login in stage.logins.enterprises.items():
        if code in stage.asking_firms:
            clerk = stage.crowd(login)
            for promise in [each async for each in clerk.pages(HELD_PROMISES)]:
                await name_people(stage, clerk, code, promise)


async def name_people(stage: Stage, clerk: Person, code: str, promise: dict[str, Any]) -> None:
    """Name as many as are promised; whom the rules refuse is left out, and somebody else takes the place."""
    left = promise["people"] - promise["named"]
    key = item_key(promise["request"]["exam"]["item"])
    taken = stage.named_on[promise["request"]["id"]]
    people = [person["id"] for person in promise["request"]["persons"] if person["id"] not in taken]
    people += [worker for worker in stage.named_later[code, key] if worker not in taken and worker not in people]
    refused: set[str] = set()
    while wanted := [worker for worker in people if worker not in refused][:left]:
        payload = await clerk.tried(BOOKING_CONFIRM, promiseId=promise["id"], workerIds=wanted)
        errors = payload["userErrors"]
        if not errors:
            taken.update(wanted)
            stage.named_later[code, key] = [each for each in stage.named_later[code, key] if each not in taken]
            stage.ledger.counts["places booked by name"] += len(wanted)
            stage.just_booked += [(code, booking["id"]) for booking in payload["bookings"]]
            return
        stage.ledger.refusals.update(error["code"] for error in errors)
        refused |= {error["workerId"] for error in errors if "workerId" in error}
        if not any("workerId" in error for error in errors):
            return


async def firms_change_their_minds(stage: Stage) -> None:
    """A few people cannot come after all: the firm sends a newcomer instead, or gives the place up."""
    booked, stage.just_booked = stage.just_booked, []
    for code, booking_id in booked:
        if stage.chance.random() >= CHANGED_SHARE:
            continue
        clerk = stage.crowd(stage.logins.enterprises[code])
        if stage.chance.random() < 0.5 and await sends_somebody_else(stage, clerk, booking_id):  # noqa: PLR2004
            stage.ledger.counts["people substituted"] += 1
        else:
            await clerk.act(BOOKING_CANCEL, bookingId=booking_id)
            stage.ledger.counts["places given up"] += 1


async def sends_somebody_else(stage: Stage, clerk: Person, booking_id: str) -> bool:
    """Whether somebody newly registered could take the place over; a practical takes nobody without the theory."""
    payload = await clerk.tried(BOOKING_SUBSTITUTE, bookingId=booking_id, workerId=await newcomer(stage, clerk))
    stage.ledger.refusals.update(error["code"] for error in payload["userErrors"])
    return not payload["userErrors"]


async def latecomers_book(stage: Stage) -> None:
    """Firms that asked for nothing in time register somebody and take an open place of a theory exam."""
    for code in stage.chance.sample(sorted(stage.logins.enterprises), LATECOMERS_A_ROUND):
        clerk = stage.crowd(stage.logins.enterprises[code])
        found = (await clerk.ask(OPEN_SESSIONS, first=SESSIONS_LOOKED_AT))["sessions"]["nodes"]
        theory = [session["id"] for session in found if session["exam"]["subject"] == "THEORY"]
        if theory:
            await books_open_places(stage, clerk, theory[0], [await newcomer(stage, clerk)])


async def books_open_places(stage: Stage, clerk: Person, session_id: str, worker_ids: list[str]) -> bool:
    """Whether open places of a session were taken for these people."""
    payload = await clerk.tried(BOOKING_CREATE, sessionId=session_id, workerIds=worker_ids)
    stage.ledger.refusals.update(error["code"] for error in payload["userErrors"])
    if payload["userErrors"]:
        return False
    stage.ledger.counts["open places booked"] += len(worker_ids)
    return True


async def newcomer(stage: Stage, clerk: Person) -> str:
    """Somebody just registered with the clerk's firm, whom every item's rule admits."""
    document, _ = next(stage.papers)
    registered: dict[str, Any] = await clerk.act(
        WORKER_REGISTER,
        name="示例新工友",
        documentKind=document.kind.name,
        documentNumber=document.number,
        education=Education.COLLEGE.name,
        yearsOfWork=5,
    )
    stage.ledger.counts["newcomers registered"] += 1
    worker_id: str = registered["worker"]["id"]
    return worker_id
