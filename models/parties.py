"""Who takes part: enterprises and their workers, exam bodies and their examiners, and the accounts that sign in."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.columns import Table, instant, key, listed, refers_to
from models.identifiers import DocumentKind
from models.vocabulary import Channel, Education, KeyScope, Part, Role


class Enterprise(Table, table=True):
    """A firm, sole trader or market stall, at the office that looks after it."""

    __tablename__ = "enterprise"

    id: int = key()
    credit_code: str = Field(unique=True)
    name: str
    office_id: int = refers_to("jurisdiction.id")
    latitude: float
    longitude: float
    contact_name: str
    contact_phone: str


class Worker(Table, table=True):
    """A person of an enterprise who is examined; the identity number is sealed, never stored in clear."""

    __tablename__ = "worker"

    id: int = key()
    enterprise_id: int = refers_to("enterprise.id")
    name: str
    document_kind: DocumentKind = listed(DocumentKind)
    document_sealed: bytes = Field(sa_type=LargeBinary)
    document_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    document_masked: str
    born_on: date
    education: Education = listed(Education)
    years_of_work: int = 0


class ExamBody(Table, table=True):
    """A body (考试机构) that conducts and scores exams; the product records what it confirms."""

    __tablename__ = "exam_body"

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id")
    name: str
    is_gated: bool = True  # practical only after theory is passed
    opts_into_evenings: bool = False
    opts_into_weekends: bool = False


class Examiner(Table, table=True):
    """An examiner (考评人员) of an exam body."""

    __tablename__ = "examiner"
    __table_args__ = (CheckConstraint("block_cost_fen >= 0", name="block_cost_not_negative"),)

    id: int = key()
    exam_body_id: int = refers_to("exam_body.id")
    name: str
    block_cost_fen: int
    most_blocks_a_round: int


class ExaminerSkill(Table, table=True):
    """An exam that an examiner is qualified for."""

    __tablename__ = "examiner_skill"
    __table_args__ = (UniqueConstraint("examiner_id", "exam_id"),)

    id: int = key()
    examiner_id: int = refers_to("examiner.id", index=False)
    exam_id: int = refers_to("exam.id")


class ExaminerLeave(Table, table=True):
    """A half-day on which an examiner is not available."""

    __tablename__ = "examiner_leave"
    __table_args__ = (UniqueConstraint("examiner_id", "day", "part"),)

    id: int = key()
    examiner_id: int = refers_to("examiner.id", index=False)
    day: date
    part: Part = listed(Part)


class Recusal(Table, table=True):
    """An enterprise whose people an examiner must not examine."""

    __tablename__ = "recusal"
    __table_args__ = (UniqueConstraint("examiner_id", "enterprise_id"),)

    id: int = key()
    examiner_id: int = refers_to("examiner.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    reason: str


class Account(Table, table=True):
    """Someone who signs in; the role says what they may do, the reference whose rows they see."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(enterprise_id, jurisdiction_id, exam_body_id, examiner_id)"
            " = CASE WHEN role IN ('AUDITOR', 'OPERATOR') THEN 0 ELSE 1 END",
            name="acts_for_one_party",
        ),
        CheckConstraint(
            "CASE role WHEN 'ENTERPRISE' THEN enterprise_id IS NOT NULL"
            " WHEN 'EXAM_BODY' THEN exam_body_id IS NOT NULL WHEN 'EXAMINER' THEN examiner_id IS NOT NULL"
            " WHEN 'AUDITOR' THEN true WHEN 'OPERATOR' THEN true ELSE jurisdiction_id IS NOT NULL END",
            name="role_fits_party",
        ),
    )

    id: int = key()
    login: str = Field(unique=True)
    password_hash: str
    role: Role = listed(Role)
    name: str
    enterprise_id: int | None = refers_to("enterprise.id", optional=True)
    jurisdiction_id: int | None = refers_to("jurisdiction.id", optional=True)
    exam_body_id: int | None = refers_to("exam_body.id", optional=True)
    examiner_id: int | None = refers_to("examiner.id", optional=True)
    failed_sign_ins: int = 0
    locked_until: datetime | None = instant(optional=True)


class ApiKey(Table, table=True):
    """A key by which an account's own system calls: found by its prefix, known by the hash of the rest."""

    __tablename__ = "api_key"
    __table_args__ = (CheckConstraint("made_at < expires_at", name="expires_after_it_is_made"),)

    id: int = key()
    account_id: int = refers_to("account.id")
    name: str
    prefix: str = Field(unique=True)
    secret_hash: bytes = Field(sa_type=LargeBinary)
    scope: KeyScope = listed(KeyScope)
    made_at: datetime = instant()
    expires_at: datetime = instant()
    last_used_at: datetime | None = instant(optional=True)
    revoked_at: datetime | None = instant(optional=True)


class SignIn(Table, table=True):
    """A signed-in device: the token's hash and until when it counts."""

    __tablename__ = "sign_in"

    id: int = key()
    account_id: int = refers_to("account.id")
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    signed_in_at: datetime = instant()
    expires_at: datetime = instant()
    ended_at: datetime | None = instant(optional=True)


class Contact(Table, table=True):
    """
    Where a party wants its messages, and which courtesies it declines; none for a party that has not said.

    The party is named as messages name it: `enterprise:12`.
    """

    __tablename__ = "contact"
    __table_args__ = (CheckConstraint("channel IN ('EMAIL', 'GATEWAY')", name="reached_by_post"),)

    id: int = key()
    recipient: str = Field(unique=True)
    email: str | None = None
    phone: str | None = None
    channel: Channel | None = listed(Channel, optional=True)
    declined: list[str] = Field(default_factory=list, sa_type=JSONB)


class WebhookEndpoint(Table, table=True):
    """
    Where an exam body's own system hears of events; each is signed with the secret, sealed like identity numbers.

    After a rotation the retiring secret signs as well until its time is over.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("(retiring_sealed IS NULL) = (retiring_until IS NULL)", name="retires_some_time"),
        CheckConstraint("(disabled_at IS NULL) = (disabled_reason IS NULL)", name="disabled_for_a_reason"),
    )

    id: int = key()
    exam_body_id: int = refers_to("exam_body.id")
    url: str
    secret_sealed: bytes = Field(sa_type=LargeBinary)
    retiring_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    retiring_until: datetime | None = instant(optional=True)
    made_at: datetime = instant()
    disabled_at: datetime | None = instant(optional=True)
    disabled_reason: str | None = None
