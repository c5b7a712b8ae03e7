"""Opening accounts for new parties, and choosing a password."""

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.mutation import secret_mutation
from api.graphql.parties import Enterprise, ExamBody, Examiner
from api.graphql.places import Jurisdiction
from scheduler import account_opening


@strawberry.input(description="An account for one party: give one of the four ids.")
class AccountOpenInput:
    """What accountOpen takes."""

    login: str = strawberry.field(description="What is typed to sign in: small letters, digits, dots, dashes.")
    name: str = strawberry.field(description="Whose account it is, as others see it.")
    enterprise_id: strawberry.ID | None = strawberry.field(default=None, description="A firm of your territory.")
    jurisdiction_id: strawberry.ID | None = strawberry.field(
        default=None, description="An office or town of your territory, or your own."
    )
    exam_body_id: strawberry.ID | None = strawberry.field(default=None, description="An exam body; for the bureau.")
    examiner_id: strawberry.ID | None = strawberry.field(default=None, description="An examiner; for the bureau.")

    def order(self) -> account_opening.AccountOrder:
        """The input as the use case takes it."""
        firm, place, body, examiner = self.enterprise_id, self.jurisdiction_id, self.exam_body_id, self.examiner_id
        return account_opening.AccountOrder(
            login=self.login,
            name=self.name,
            enterprise_id=key_of(firm, Enterprise, "input", "enterpriseId") if firm else None,
            jurisdiction_id=key_of(place, Jurisdiction, "input", "jurisdictionId") if place else None,
            exam_body_id=key_of(body, ExamBody, "input", "examBodyId") if body else None,
            examiner_id=key_of(examiner, Examiner, "input", "examinerId") if examiner else None,
        )


@strawberry.type(description="The answer to accountOpen.")
class AccountOpenPayload(Payload):
    """The login, and the first password, once."""

    login: str | None = strawberry.field(default=None, description="What is typed to sign in; empty if refused.")
    first_password: str | None = strawberry.field(
        default=None, description="Shown this once: hand it over, and let its owner change it (passwordChange)."
    )


@strawberry.input(description="A password for another.")
class PasswordChangeInput:
    """What passwordChange takes."""

    old_password: str = strawberry.field(description="The one until now; never logged.")
    new_password: str = strawberry.field(description="10 to 200 characters; never logged.")


@strawberry.type(description="The answer to passwordChange.")
class PasswordChangePayload(Payload):
    """Whether it is done."""

    is_changed: bool = strawberry.field(
        default=False, description="Whether the new one counts; then all other sign-ins have ended."
    )


@strawberry.type
class AccountOpeningMutation:
    """Acts on accounts."""

    @secret_mutation("Let somebody sign in for a party that you look after. For offices, towns and bureaus.")
    async def account_open(self, info: Info, input: AccountOpenInput) -> AccountOpenPayload:
        """A new account with a password made by chance."""
        context = info.context
        account, password = await account_opening.open_account(context.db, input.order(), caller=context.caller)
        return AccountOpenPayload(login=account.login, first_password=password)

    @secret_mutation("Choose a password of your own (修改密码).")
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangePayload:
        """The new password counts from now on."""
        context = info.context
        order = account_opening.PasswordOrder(input.old_password, input.new_password)
        await account_opening.change_password(
            context.db, order, token=context.token, caller=context.caller, now=context.now()
        )
        return PasswordChangePayload(is_changed=True)
