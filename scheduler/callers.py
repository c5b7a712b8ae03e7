"""Who calls: the account behind a request, and what its role lets it do."""

from dataclasses import dataclass

from models.vocabulary import Role
from scheduler.refusals import Code, refuse

OFFICIALS = (Role.OFFICE, Role.TOWN, Role.BUREAU)


@dataclass(frozen=True, slots=True)
class Caller:
    """
    A signed-in account; exactly one of the references is set, none for auditor and operator.

    `bureau_id` is the tenant; `territory` holds the ids of an official's jurisdiction and of all below it.
    """

    account_id: int
    role: Role
    name: str
    enterprise_id: int | None = None
    jurisdiction_id: int | None = None
    exam_body_id: int | None = None
    examiner_id: int | None = None
    bureau_id: int | None = None
    territory: tuple[int, ...] = ()
    key_id: int | None = None  # the key of the account's own system, where it is not a person who calls
    may_write: bool = True

    @property
    def actor(self) -> str:
        """The name under which the audit trail keeps this caller's acts."""
        return f"account:{self.account_id}"

    @property
    def tenant(self) -> int:
        """
        The bureau that the caller belongs to.

        Raises:
            LookupError: Auditors and operators belong to none; use cases let only those pass who do.
        """
        if self.bureau_id is None:
            message = f"account {self.account_id} belongs to no bureau"
            raise LookupError(message)
        return self.bureau_id

    @property
    def sees_everything(self) -> bool:
        """Whether the role reads all rows: auditors and operators change no business row."""
        return self.role in (Role.AUDITOR, Role.OPERATOR)


def require_person(caller: Caller) -> None:
    """
    Let only who signed in with a password pass: what a stolen key could do for ever is not for keys.

    Raises:
        Refused: NOT_ALLOWED.
    """
    if caller.key_id is not None:
        raise refuse(Code.NOT_ALLOWED, "A key may not do this: sign in with login and password.")


def require(caller: Caller, *roles: Role) -> None:
    """
    Let only these roles pass.

    Raises:
        Refused: NOT_ALLOWED, naming who may.
    """
    if caller.role not in roles:
        who = " or ".join(role.value.lower().replace("_", " ") for role in roles)
        raise refuse(Code.NOT_ALLOWED, f"Only {who} accounts may do this; sign in with one of those.")
