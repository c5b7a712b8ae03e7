"""Accounts for new parties, opened by the officials who look after them, and the password one chooses oneself."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Table
from models.parties import Account, Enterprise, ExamBody, Examiner, SignIn
from models.places import Jurisdiction
from models.vocabulary import Role
from scheduler.accounts import HASHER, fits, hashed
from scheduler.callers import OFFICIALS, Caller, require, require_person
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.typed import refuse_any, why_not_text
from scheduler.visibility import visible

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
FIRST_PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """An account for exactly one party."""

    login: str
    name: str
    enterprise_id: int | None = None
    jurisdiction_id: int | None = None
    exam_body_id: int | None = None
    examiner_id: int | None = None


async def open_account(db: AsyncSession, order: AccountOrder, *, caller: Caller) -> tuple[Account, str]:
    """
    Let somebody sign in for a firm, an office or town of the caller's, or, by the bureau, an exam body or examiner.

    Returns:
        The account, and its first password, which nobody can look up again.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND for a party that is not the caller's, BAD_INPUT; ALREADY_KNOWN for the login.
    """
    require(caller, *OFFICIALS)
    require_person(caller)
    roles = await roles_of(db, order, caller=caller)
    refuse_any(why_not_login(order.login), why_not_text(order.name, "input", "name"), why_not_one_party(roles))
    (role,) = roles
    if (await db.exec(select(col(Account.id)).where(col(Account.login) == order.login))).first() is not None:
        raise refuse(Code.ALREADY_KNOWN, "Somebody signs in with this login: choose another.", "input", "login")
    password = secrets.token_urlsafe(FIRST_PASSWORD_BYTES)
    account = Account(
        login=order.login,
        password_hash=await asyncio.to_thread(HASHER.hash, password),
        role=role,
        name=order.name.strip(),
        enterprise_id=order.enterprise_id,
        jurisdiction_id=order.jurisdiction_id,
        exam_body_id=order.exam_body_id,
        examiner_id=order.examiner_id,
    )
    db.add(account)
    await db.flush()
    await note(db, "account opened", "account", account.id, role=role.value)
    return account, password


def why_not_login(login: str) -> Refusal | None:
    """A login is easily typed."""
    if LOGIN.fullmatch(login):
        return None
    message = "Choose 3 to 64 small letters, digits, dots, dashes or underscores, a letter or digit first."
    return Refusal(Code.BAD_INPUT, message, ("input", "login"))


def why_not_one_party(roles: Sequence[Role]) -> Refusal | None:
    """An account acts for one party."""
    if len(roles) == 1:
        return None
    message = "Say whom it is for: one of enterpriseId, jurisdictionId, examBodyId and examinerId."
    return Refusal(Code.BAD_INPUT, message, ("input", "enterpriseId"))


async def roles_of(db: AsyncSession, order: AccountOrder, *, caller: Caller) -> list[Role]:
    """
    What somebody may do who acts for each of the parties named.

    Raises:
        Refused: NOT_FOUND for a party outside the caller's reach; NOT_ALLOWED for what is the bureau's to open.
    """
    found = []
    if order.enterprise_id is not None:
        await require_party(db, Enterprise, order.enterprise_id, "enterpriseId", caller=caller)
        found.append(Role.ENTERPRISE)
    if order.jurisdiction_id is not None:
        below = select(col(Jurisdiction.tier)).where(
            col(Jurisdiction.id) == order.jurisdiction_id, col(Jurisdiction.id).in_(caller.territory)
        )
        tier = (await db.exec(below)).one_or_none()
        if tier is None:
            raise not_found("jurisdiction", "input", "jurisdictionId")
        found.append(Role(tier.value))
    if order.exam_body_id is not None:
        require(caller, Role.BUREAU)
        own = select(ExamBody).where(
            col(ExamBody.id) == order.exam_body_id, col(ExamBody.bureau_id) == caller.bureau_id
        )
        if (await db.exec(own)).one_or_none() is None:
            raise not_found("exam body", "input", "examBodyId")
        found.append(Role.EXAM_BODY)
    if order.examiner_id is not None:
        require(caller, Role.BUREAU)
        await require_party(db, Examiner, order.examiner_id, "examinerId", caller=caller)
        found.append(Role.EXAMINER)
    return found


async def require_party(db: AsyncSession, table: type[Table], key: int, field: str, *, caller: Caller) -> None:
    """
    Let only those parties pass that the caller sees.

    Raises:
        Refused: NOT_FOUND.
    """
    seen = visible(table, caller).where(col(table.id) == key)  # type: ignore[attr-defined]  # every table has its key
    if (await db.exec(seen)).one_or_none() is None:
        raise not_found(table.__name__, "input", field)


@dataclass(frozen=True, slots=True)
class PasswordOrder:
    """The password until now, and the one from now on."""

    old: str
    new: str


async def change_password(
    db: AsyncSession, order: PasswordOrder, *, token: str | None, caller: Caller, now: datetime
) -> None:
    """
    Choose a password of one's own; every other sign-in of the account ends.

    Raises:
        Refused: WRONG_PASSWORD for the old one; BAD_INPUT for a new one that is too short, too long, or the old one.
    """
    account = (await db.exec(select(Account).where(col(Account.id) == caller.account_id).with_for_update())).one()
    refuse_any(why_not_password(order))
    if not await asyncio.to_thread(fits, account.password_hash, order.old):
        raise refuse(Code.WRONG_PASSWORD, "The old password is wrong: type it again.", "input", "oldPassword")
    account.password_hash = await asyncio.to_thread(HASHER.hash, order.new)
    others = update(SignIn).where(col(SignIn.account_id) == account.id, col(SignIn.ended_at).is_(None))
    await db.exec(others.where(col(SignIn.token_hash) != hashed(token or "")).values(ended_at=now))
    await db.flush()
    await note(db, "password changed", "account", account.id)


def why_not_password(order: PasswordOrder) -> Refusal | None:
    """A password is long enough to be worth having, and another one."""
    if not SHORTEST_PASSWORD <= len(order.new) <= LONGEST_PASSWORD:
        message = f"Choose {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        return Refusal(Code.BAD_INPUT, message, ("input", "newPassword"))
    if order.new == order.old:
        return Refusal(Code.BAD_INPUT, "Choose another one than before.", ("input", "newPassword"))
    return None
