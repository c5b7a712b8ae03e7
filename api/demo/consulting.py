"""The consultation: everyone who is asked answers, a few object, some are silent."""

from typing import Any

from api.demo.documents import ASKED_PARTIES, CONSENT_AGREE, CONSENT_OBJECT, MY_CONSENTS
from api.demo.people import Person
from api.demo.stage import Stage
from models.vocabulary import Tier

AT_ONCE = 100
OBJECTIONS_A_ROUND = 5
SILENT_OFFICES = 2
OBJECTING_SHARE = 0.3


async def everyone_answers(stage: Stage, *, may_object: bool) -> int:
    """Offices, towns, the bureau, hosts and examiners answer what they are asked; how many answers there were."""
    silent = set(silent_ones(stage))
    left = OBJECTIONS_A_ROUND if may_object else 0
    answers = 0
    for login in await asked_logins(stage):
        if login in silent:
            continue
        person = stage.crowd(login)
        asked = [consent async for consent in person.pages(MY_CONSENTS)]
        if left and asked and stage.chance.random() < OBJECTING_SHARE:
            await objects(stage, person, asked.pop(0))
            left -= 1
        answers += await agrees(person, asked)
    stage.ledger.counts["consents given"] += answers
    return answers


def silent_ones(stage: Stage) -> list[str]:
    """Offices that never answer: the town speaks for them."""
    offices = [node.code for node in stage.district.jurisdictions if node.tier is Tier.OFFICE]
    return [stage.logins.jurisdictions[code] for code in offices[:SILENT_OFFICES]]


async def asked_logins(stage: Stage) -> list[str]:
    """Everyone who has something to answer, the exam body apart: it comes last."""
    logins = logins_by_party(stage)
    asked = {(row["party"], row["asked"]) async for row in stage.bureau.pages(ASKED_PARTIES)}
    return sorted(logins[party] for party in asked if party in logins)


def logins_by_party(stage: Stage) -> dict[tuple[str, str], str]:
    """The login of each party of a consultation, by its kind and name."""
    logins, district = stage.logins, stage.district
    return (
        {(node.tier.value, node.name): logins.jurisdictions[node.code] for node in district.jurisdictions}
        | {("HOST", firm.name): logins.enterprises[firm.credit_code] for firm in district.enterprises}
        | {("STAFF", examiner.name): logins.examiners[examiner.key] for examiner in district.examiners}
    )


async def exam_body_answers(stage: Stage) -> int:
    """The exam body confirms what all others have agreed to."""
    asked = [consent async for consent in stage.exam_body.pages(MY_CONSENTS)]
    given = await agrees(stage.exam_body, asked)
    stage.ledger.counts["consents given"] += given
    return given


async def agrees(person: Person, asked: list[dict[str, Any]]) -> int:
    """Agree to everything asked, a hundred at a time."""
    for start in range(0, len(asked), AT_ONCE):
        await person.act(CONSENT_AGREE, consentIds=[each["id"] for each in asked[start : start + AT_ONCE]])
    return len(asked)


async def objects(stage: Stage, person: Person, consent: dict[str, Any]) -> None:
    """Object to one session, for a reason that fits it."""
    kinds: list[dict[str, Any]] = [
        {"kind": "NOT_THIS_BLOCK", "remark": "当天有安全检查"},
        {"kind": "NOT_THIS_SITE", "remark": "场地检修"},
    ]
    if consent["session"]["promised"] < consent["session"]["places"]:
        kinds.append({"kind": "AT_LEAST_PEOPLE", "people": consent["session"]["promised"] + 1, "remark": "人数太少"})
    chosen = stage.chance.choice(kinds)
    await person.act(CONSENT_OBJECT, consentId=consent["id"], **chosen)
    stage.ledger.hear(consent["party"], chosen["kind"])
