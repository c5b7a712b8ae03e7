"""Certificates and renewals: the bureau decides, firms accept retakes and apply for renewals."""

from datetime import timedelta
from typing import Any

from api.demo.documents import (
    CERTIFICATE_DECIDE,
    PENDING_CERTIFICATES,
    PROPOSED_REQUESTS,
    RENEWAL_APPLY,
    RENEWAL_DECIDE,
    RENEWALS,
    REQUEST_ACCEPT,
)
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


async def firms_accept_retakes(stage: Stage) -> None:
    """Firms accept the requests that the rules propose for those who failed."""
    proposed: list[dict[str, Any]] = [each async for each in stage.bureau.pages(PROPOSED_REQUESTS)]
    for request in proposed:
        clerk = stage.crowd(stage.logins.enterprises[request["enterprise"]["creditCode"]])
        await clerk.act(REQUEST_ACCEPT, requestId=request["id"])
        stage.ledger.counts["retakes accepted"] += 1


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
