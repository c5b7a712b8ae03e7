"""Who a consent is asked of, by name, for those who must know whom to remind."""

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.parties import Enterprise, ExamBody, Examiner
from models.places import Jurisdiction
from models.rounds import Consent


async def names_of_parties(db: AsyncSession, consents: Sequence[Consent]) -> dict[int, str]:
    """The name of the party of each consent."""
    named: dict[int, str] = {}
    for table, reference in (
        (Jurisdiction, "jurisdiction_id"),
        (Enterprise, "enterprise_id"),
        (Examiner, "examiner_id"),
        (ExamBody, "exam_body_id"),
    ):
        keys = {consent.id: getattr(consent, reference) for consent in consents}
        wanted = select(col(table.id), col(table.name)).where(col(table.id).in_({key for key in keys.values() if key}))
        names = dict((await db.exec(wanted)).all())
        named |= {consent_id: names[key] for consent_id, key in keys.items() if key in names}
    return named
