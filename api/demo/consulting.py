"""The consultation: everyone who is asked answers, a few object, some are silent."""

from collections.abc import AsyncIterator
from typing import Any

from api.demo.documents import CONSENT_AGREE, CONSENT_OBJECT, MY_CONSENTS
from api.demo.people import Person
from api.demo.stage import Stage
from models.vocabulary import Tier

AT_ONCE = 100
OBJECTIONS_A_ROUND = 5
SILENT_OFFICES = 2


async def everyone_answers(stage: Stage, *, may_object: bool) -> int:
    """Offices, towns, the bureau, hosts and examiners answer what they are asked; how many answers there were."""
    silent = set(silent_ones(stage))
    left = OBJECTIONS_A_ROUND if may_object else 0
    answers = 0
    async for person in parties(stage):
        if person.login in silent:
            continue
        asked = [consent async for consent in person.pages(MY_CONSENTS)]
        if left and asked and stage.chance.random() < 0.3:  # noqa: PLR2004  # a few object
            await objects(stage, person, asked.pop(0))
            left -= 1
        answers += await agrees(person, asked)
    stage.ledger.counts["consents given"] += answers
    return answers


def silent_ones(stage: Stage) -> list[str]:
    """Offices that never answer: the town speaks for them."""
    offices = [node.code for node in stage.district.jurisdictions if node.tier is Tier.OFFICE]
    return [stage.logins.jurisdictions[code] for code in offices[:SILENT_OFFICES]]


async def parties(stage: Stage) -> AsyncIterator[Person]:
    """Everyone who may be asked, the exam body apart: it comes last."""
    for login in stage.logins.jurisdictions.values():
        yield stage.crowd(login)
    for host in sorted({site.host for site in stage.district.sites if site.host}):
        yield stage.crowd(stage.logins.enterprises[host])
    for login in stage.logins.examiners.values():
        yield stage.crowd(login)


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
    stage.ledger.objections[f"{consent['party'].lower()}: {chosen['kind']}"] += 1
