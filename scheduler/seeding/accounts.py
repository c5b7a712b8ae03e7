"""An account for each party of a district, under logins that a person can guess: `bureau`, `firm-001`, `auditor`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlmodel.ext.asyncio.session import AsyncSession

from models import parties as tables
from models.vocabulary import Role, Tier
from scheduler.district.values import District, Jurisdiction
from scheduler.seeding.known import Known
from scheduler.seeding.rows import Row, add

# Everybody is told this password, so there is nothing to protect by making it slow to check.
_PRINTED = PasswordHasher.from_parameters(CHEAPEST)
_PARTIES = ("enterprise_id", "jurisdiction_id", "exam_body_id", "examiner_id")


@dataclass(frozen=True)
class Logins:
    """Who signs in as what: the login by the party's code or key."""

    jurisdictions: Mapping[str, str]
    enterprises: Mapping[str, str]
    exam_bodies: Mapping[str, str]
    examiners: Mapping[str, str]
    auditor: str = "auditor"
    operator: str = "operator"


def logins_of(district: District) -> Logins:
    """Name the accounts; in the first bureau plainly, in any other with the bureau's code inside."""
    parents = {node.code: node for node in district.jurisdictions}
    bureaus = [node.code for node in district.jurisdictions if node.tier is Tier.BUREAU]
    bodies = {body.key: body.bureau for body in district.exam_bodies}
    firms = [(firm.credit_code, _bureau_of(firm.office, parents)) for firm in district.enterprises]
    examiners = [(examiner.key, bodies[examiner.exam_body]) for examiner in district.examiners]
    return Logins(
        jurisdictions={
            node.code: _bureau_login(node.code, bureaus) if node.tier is Tier.BUREAU else _login(node)
            for node in district.jurisdictions
        },
        enterprises=_numbered("firm", firms, bureaus, width=3),
        exam_bodies={key: f"exam-body{_suffix(bureau, bureaus)}" for key, bureau in bodies.items()},
        examiners=_numbered("examiner", examiners, bureaus, width=2),
    )


async def add_accounts(db: AsyncSession, district: District, known: Known, *, password: str) -> int:
    """Load the accounts, all with one password: they are made to be tried."""
    hashed = _PRINTED.hash(password)
    rows = [{**row, "password_hash": hashed} for row in _rows(district, known)]
    return len(await add(db, tables.Account, rows))


def _rows(district: District, known: Known) -> Iterator[Row]:
    logins = logins_of(district)
    for node in district.jurisdictions:
        role = Role(node.tier.value)
        yield _row(logins.jurisdictions[node.code], role, node.name, jurisdiction_id=known.jurisdictions[node.code])
    for firm in district.enterprises:
        code = firm.credit_code
        yield _row(logins.enterprises[code], Role.ENTERPRISE, firm.name, enterprise_id=known.enterprises[code])
    for body in district.exam_bodies:
        yield _row(logins.exam_bodies[body.key], Role.EXAM_BODY, body.name, exam_body_id=known.exam_bodies[body.key])
    for examiner in district.examiners:
        key = examiner.key
        yield _row(logins.examiners[key], Role.EXAMINER, examiner.name, examiner_id=known.examiners[key])
    yield _row(logins.auditor, Role.AUDITOR, "审计员")
    yield _row(logins.operator, Role.OPERATOR, "运维员")


def _row(login: str, role: Role, name: str, **party: int) -> Row:
    return {"login": login, "role": role, "name": name, **dict.fromkeys(_PARTIES), **party}


def _bureau_of(code: str, nodes: Mapping[str, Jurisdiction]) -> str:
    parent = nodes[code].parent
    return code if parent is None else _bureau_of(parent, nodes)


def _login(node: Jurisdiction) -> str:
    return f"{node.tier.value.lower()}-{node.code.lower()}"


def _bureau_login(code: str, bureaus: Sequence[str]) -> str:
    return f"bureau{_suffix(code, bureaus)}"


def _suffix(bureau: str, bureaus: Sequence[str]) -> str:
    return "" if bureau == bureaus[0] else f"-{bureau.lower()}"


def _numbered(
    word: str, parties: Sequence[tuple[str, str]], bureaus: Sequence[str], *, width: int
) -> Mapping[str, str]:
    """Count the parties of each bureau by themselves."""
    counted = dict.fromkeys(bureaus, 0)
    logins = {}
    for key, bureau in parties:
        counted[bureau] += 1
        logins[key] = f"{word}{_suffix(bureau, bureaus)}-{counted[bureau]:0{width}d}"
    return logins
