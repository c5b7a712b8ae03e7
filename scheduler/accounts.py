"""Signing in and out: passwords checked slowly, tokens kept as hashes, guessing locked out."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.parties import Account, Enterprise, ExamBody, Examiner, SignIn
from models.vocabulary import Role
from scheduler.callers import OFFICIALS, Caller
from scheduler.refusals import Code, Refused, refuse
from scheduler.tiers import bureau_of, ground_of

ATTEMPTS_BEFORE_LOCKOUT = 5
LOCKOUT = timedelta(minutes=15)
TOKEN_LIFETIME = timedelta(days=30)
SIGN_IN_ACTOR = "sign-in"

HASHER = PasswordHasher()
# Verified when the login is unknown, so that an unknown login takes as long as a wrong password.
NOBODYS_HASH = HASHER.hash(secrets.token_urlsafe())


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh sign-in: the bearer token is shown this once."""

    token: str
    caller: Caller
    expires_at: datetime


async def sign_in(database: Database, login: str, password: str, *, now: datetime) -> SignedIn:
    """
    Check a login and its password, and give out a token.

    Raises:
        Refused: WRONG_PASSWORD, or LOCKED_OUT after five wrong ones in a row.
    """
    async with database.reading() as db:
        account = (await db.exec(select(Account).where(col(Account.login) == login))).one_or_none()
    if account and account.locked_until and now < account.locked_until:
        raise locked_out(account.locked_until)
    stored = account.password_hash if account else NOBODYS_HASH
    if not await asyncio.to_thread(fits, stored, password) or account is None:
        raise await failed_attempt(database, account, now=now)
    async with database.writing(actor=f"account:{account.id}", now=now) as db:
        return await open_sign_in(db, account, now=now)


def fits(stored: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return HASHER.verify(stored, password)
    except VerificationError:
        return False


async def failed_attempt(database: Database, account: Account | None, *, now: datetime) -> Refused:
    """Count a wrong password in a transaction of its own, and return the refusal."""
    wrong = refuse(
        Code.WRONG_PASSWORD, "Login or password is wrong: check both, also the capitals.", "input", "password"
    )
    if account is None:
        return wrong
    async with database.writing(actor=SIGN_IN_ACTOR, now=now) as db:
        row = (await db.exec(select(Account).where(col(Account.id) == account.id).with_for_update())).one()
        row.failed_sign_ins += 1
        if row.failed_sign_ins < ATTEMPTS_BEFORE_LOCKOUT:
            return wrong
        row.failed_sign_ins = 0
        row.locked_until = now + LOCKOUT
        return locked_out(row.locked_until)


def locked_out(until: datetime) -> Refused:
    """The refusal for an account that guessing has locked."""
    return refuse(Code.LOCKED_OUT, f"Too many wrong passwords: try again after {until:%H:%M} UTC.", "input", "login")


async def open_sign_in(db: AsyncSession, account: Account, *, now: datetime) -> SignedIn:
    """Write the sign-in of an account whose password fits."""
    await db.exec(update(Account).where(col(Account.id) == account.id).values(failed_sign_ins=0, locked_until=None))
    token = secrets.token_urlsafe(32)
    expires_at = now + TOKEN_LIFETIME
    db.add(SignIn(account_id=account.id, token_hash=hashed(token), signed_in_at=now, expires_at=expires_at))
    return SignedIn(token, await caller_of(db, account), expires_at)


async def sign_out(db: AsyncSession, token: str, *, now: datetime) -> None:
    """End the sign-in of a token; an unknown token changes nothing."""
    ended = update(SignIn).where(col(SignIn.token_hash) == hashed(token), col(SignIn.ended_at).is_(None))
    await db.exec(ended.values(ended_at=now))


async def caller_with(db: AsyncSession, token: str, *, now: datetime) -> Caller | None:
    """The caller that a token stands for, or None when it is unknown, ended or expired."""
    signed_in = (
        select(Account)
        .join(SignIn, col(SignIn.account_id) == col(Account.id))
        .where(col(SignIn.token_hash) == hashed(token), col(SignIn.ended_at).is_(None), col(SignIn.expires_at) > now)
    )
    account = (await db.exec(signed_in)).one_or_none()
    return await caller_of(db, account) if account else None


async def caller_of(db: AsyncSession, account: Account) -> Caller:
    """The account as a caller, with its bureau and, for an official, its territory."""
    home = await home_of(db, account)
    bureau_id = await bureau_of(db, home) if home is not None else None
    ground = await ground_of(db, home) if home is not None and account.role in OFFICIALS else ()
    return Caller(
        account_id=account.id,
        role=account.role,
        name=account.name,
        enterprise_id=account.enterprise_id,
        jurisdiction_id=account.jurisdiction_id,
        exam_body_id=account.exam_body_id,
        examiner_id=account.examiner_id,
        bureau_id=bureau_id,
        territory=tuple(ground),
    )


async def home_of(db: AsyncSession, account: Account) -> int | None:
    """The jurisdiction an account belongs to: its own, its firm's office, or its exam body's bureau."""
    if account.role in (Role.AUDITOR, Role.OPERATOR):
        return None
    if account.role is Role.ENTERPRISE:
        wanted = select(col(Enterprise.office_id)).where(col(Enterprise.id) == account.enterprise_id)
    elif account.role is Role.EXAM_BODY:
        wanted = select(col(ExamBody.bureau_id)).where(col(ExamBody.id) == account.exam_body_id)
    elif account.role is Role.EXAMINER:
        body = select(col(ExamBody.bureau_id)).join(Examiner, col(Examiner.exam_body_id) == col(ExamBody.id))
        wanted = body.where(col(Examiner.id) == account.examiner_id)
    else:
        return account.jurisdiction_id
    return (await db.exec(wanted)).one()


def hashed(token: str) -> bytes:
    """What is kept of a token: enough to know it again, not to use it. Tokens are random, so one round suffices."""
    return hashlib.sha256(token.encode()).digest()
