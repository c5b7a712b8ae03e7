"""Certificates and renewals: the bureau decides, firms accept retakes and apply for renewals."""

from datetime import timedelta
from typing import Any

from api.demo.documents import (
    CERTIFICATE_DECIDE,
    OPEN_SESSIONS,
    PENDING_CERTIFICATES,
    PROPOSED_REQUESTS,
    RENEWAL_APPLY,
    RENEWAL_DECIDE,
    RENEWALS,
    REQUEST_ACCEPT,
    REQUEST_DECLINE,
)
from api.demo.naming import SESSIONS_LOOKED_AT, books_open_places
from api.demo.people import Person
from api.demo.stage import Stage

AT_ONCE = 100
YEARS_TO_RENEWAL = timedelta(days=5 * 366)


async def bureau_issues(stage: Stage) -> None:
    """The issuing authority grants what awaits its decision."""
    pending = [each["id"] async for each in stage.bureau.pages(PENDING_CERTIFICATES)]
    for start in range(0, len(pending), AT_ONCE):
        some = pending[start : start + AT_ONCE]
        await stage.bureau.act(CERTIFICATE_DECIDE, certificateIds=some, grant=True)
    stage.ledger.counts["certificates issued"] += len(pending)


async def firms_take_retakes(stage: Stage) -> None:
    """Who failed sits again: in places that are open now, or else by accepting the proposed request."""
    proposed: list[dict[str, Any]] = [each async for each in stage.bureau.pages(PROPOSED_REQUESTS)]
    for request in proposed:
        clerk = stage.crowd(stage.logins.enterprises[request["enterprise"]["creditCode"]])
        if await books_at_once(stage, clerk, request):
            await clerk.act(REQUEST_DECLINE, requestId=request["id"])
            stage.ledger.counts["retakes in open places"] += request["people"]
        else:
            await clerk.act(REQUEST_ACCEPT, requestId=request["id"])
            stage.ledger.counts["retakes asked for"] += request["people"]


async def books_at_once(stage: Stage, clerk: Person, request: dict[str, Any]) -> bool:
    """Whether a published session has open places for all the people of a proposed request."""
    found = await clerk.ask(
        OPEN_SESSIONS,
        examId=request["exam"]["id"],
        **{"from": request["earliestDay"], "before": request["latestDay"]},
        first=SESSIONS_LOOKED_AT,
    )
    for session in found["sessions"]["nodes"]:
        if session["openPlaces"] >= request["people"]:
            people = [person["id"] for person in request["persons"]]
            return await books_open_places(stage, clerk, session["id"], people)
    return False


async def years_later(stage: Stage) -> None:
    """Certificates fall due: firms apply for renewal, the bureau decides."""
    end = stage.clock() + YEARS_TO_RENEWAL
    while (due := await stage.worker.next_due()) is not None and due <= end:
        await stage.wait_until(due)
        await firms_apply(stage)
        await bureau_renews(stage)
        if stage.ledger.counts["certificates renewed"] >= stage.ledger.counts["certificates issued"]:
            return


async def firms_apply(stage: Stage) -> None:
    """Each firm declares what the rule asks for, and applies."""
    proposed = [each async for each in stage.bureau.pages(RENEWALS, states=["PROPOSED"])]
    for renewal in proposed:
        code = renewal["certificate"]["worker"]["enterprise"]["creditCode"]
        clerk = stage.crowd(stage.logins.enterprises[code])
        payload = await clerk.tried(
            RENEWAL_APPLY, renewalId=renewal["id"], hadNoResponsibleAccident=True, hadNoLongBreak=True
        )
        stage.ledger.refusals.update(error["code"] for error in payload["userErrors"])
        stage.ledger.counts["renewals applied for"] += not payload["userErrors"]


async def bureau_renews(stage: Stage) -> None:
    """The issuing authority grants what was applied for."""
    applied = [each["id"] async for each in stage.bureau.pages(RENEWALS, states=["APPLIED"])]
    for start in range(0, len(applied), AT_ONCE):
        await stage.bureau.act(RENEWAL_DECIDE, renewalIds=applied[start : start + AT_ONCE], grant=True)
    stage.ledger.counts["certificates renewed"] += len(applied)
