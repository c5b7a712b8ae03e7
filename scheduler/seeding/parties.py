"""Firms and their people, exam bodies and their examiners."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from models import parties as tables
from models.sealing import Sealer
from scheduler.district.values import Enterprise, ExamBody, Examiner, Worker
from scheduler.seeding.known import ExamIds, Ids
from scheduler.seeding.rows import Row, add, reserve


async def add_enterprises(db: AsyncSession, enterprises: Sequence[Enterprise], jurisdictions: Ids) -> Ids:
    """Load the firms; their ids by credit code."""
    rows = [_enterprise(enterprise, jurisdictions) for enterprise in enterprises]
    ids = await add(db, tables.Enterprise, rows)
    return {enterprise.credit_code: id_ for enterprise, id_ in zip(enterprises, ids, strict=True)}


def _enterprise(enterprise: Enterprise, jurisdictions: Ids) -> Row:
    return {
        "credit_code": enterprise.credit_code,
        "name": enterprise.name,
        "office_id": jurisdictions[enterprise.office],
        "latitude": enterprise.at.latitude,
        "longitude": enterprise.at.longitude,
        "contact_name": enterprise.contact_name,
        "contact_phone": enterprise.contact_phone,
    }


async def add_workers(db: AsyncSession, workers: Sequence[Worker], enterprises: Ids, *, sealer: Sealer) -> Ids:
    """Load the people with their numbers sealed; their ids by key."""
    # A number is sealed for one row, so that row's id must be known before.
    ids = await reserve(db, tables.Worker, len(workers))
    with_ids = list(zip(workers, ids, strict=True))
    await add(db, tables.Worker, [_worker(worker, id_, enterprises, sealer) for worker, id_ in with_ids])
    return {worker.key: id_ for worker, id_ in with_ids}


def _worker(worker: Worker, worker_id: int, enterprises: Ids, sealer: Sealer) -> Row:
    sealed = sealer.seal(worker.document, context=f"worker:{worker_id}")
    return {
        "id": worker_id,
        "enterprise_id": enterprises[worker.enterprise],
        "name": worker.name,
        "document_kind": sealed.kind,
        "document_sealed": sealed.box,
        "document_hash": sealed.fingerprint,
        "document_masked": sealed.masked,
        "born_on": worker.born_on,
        "education": worker.education,
        "years_of_work": worker.years_of_work,
    }


async def add_exam_bodies(db: AsyncSession, bodies: Sequence[ExamBody], jurisdictions: Ids) -> Ids:
    """Load the exam bodies; their ids by key."""
    rows = [{"bureau_id": jurisdictions[body.bureau], "name": body.name, "is_gated": body.is_gated} for body in bodies]
    return {body.key: id_ for body, id_ in zip(bodies, await add(db, tables.ExamBody, rows), strict=True)}


async def add_examiners(
    db: AsyncSession, examiners: Sequence[Examiner], *, bodies: Ids, exams: ExamIds, enterprises: Ids
) -> Ids:
    """Load the examiners with their skills, leave and recusals; their ids by key."""
    ids = await add(db, tables.Examiner, [_examiner(examiner, bodies) for examiner in examiners])
    with_ids = list(zip(examiners, ids, strict=True))
    skills = [{"examiner_id": id_, "exam_id": exams[skill]} for examiner, id_ in with_ids for skill in examiner.skills]
    await add(db, tables.ExaminerSkill, skills)
    leave = [
        {"examiner_id": id_, "day": block.day, "part": block.part}
        for examiner, id_ in with_ids
        for block in examiner.leave
    ]
    await add(db, tables.ExaminerLeave, leave)
    recusals = [
        {"examiner_id": id_, "enterprise_id": enterprises[recusal.enterprise], "reason": recusal.reason}
        for examiner, id_ in with_ids
        for recusal in examiner.recusals
    ]
    await add(db, tables.Recusal, recusals)
    return {examiner.key: id_ for examiner, id_ in with_ids}


def _examiner(examiner: Examiner, bodies: Ids) -> Row:
    return {
        "exam_body_id": bodies[examiner.exam_body],
        "name": examiner.name,
        "block_cost_fen": examiner.block_cost_fen,
        "most_blocks_a_round": examiner.most_blocks_a_round,
    }
