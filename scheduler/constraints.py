"""What a database constraint that was met says to a user: the last word when two writers raced past the same check."""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError, IntegrityError

from scheduler.refusals import Code, Refusal, Refused, refuse

SAYINGS: Mapping[str, tuple[Code, str]] = {
    "ex_claim_one_place_at_a_time": (
        Code.OVERLAPS,
        "A room, an examiner or a person would be in two sessions at once: choose another time.",
    ),
    "ck_session_never_oversold": (Code.FULL, "The last places were just taken: choose another session."),
    "uq_booking_once_a_session": (Code.ALREADY_BOOKED, "This person already has a place in this session."),
    "uq_waiting_standing": (Code.ALREADY_WAITING, "Your firm waits for this already: change what is in the queue."),
    "uq_ranked_window_open": (Code.WRONG_STATE, "A ranked window of this session is open already: look at it."),
    "uq_account_login": (Code.ALREADY_KNOWN, "Somebody signs in with this login: choose another."),
    "uq_enterprise_credit_code": (Code.ALREADY_KNOWN, "An enterprise with this credit code is already registered."),
    "uq_jurisdiction_code": (Code.ALREADY_KNOWN, "A jurisdiction with this code is already there: choose another."),
    "uq_site_jurisdiction_id_name": (Code.ALREADY_KNOWN, "A site of this name is already there: choose another."),
    "uq_weather_block_site_id_day": (Code.ALREADY_KNOWN, "This day is flagged already: its practicals were moved."),
    "uq_item_rule_item_id_bureau_id_in_force_from": (
        Code.ALREADY_KNOWN,
        "A version of this rule is in force from that day already: choose another day.",
    ),
    "uq_worker_document_hash": (Code.ALREADY_KNOWN, "A worker with this identity document is already registered."),
    "uq_round_bureau_id_number": (
        Code.WRONG_STATE,
        "Somebody else of your bureau opened a round just now: look at your rounds.",
    ),
    "uq_consent_standing": (Code.ALREADY_ANSWERED, "This consent is already asked for."),
    "uq_result_booking_id": (Code.ALREADY_RECORDED, "The result of this booking is already recorded."),
    "uq_certificate_pending": (Code.ALREADY_CERTIFIED, "The worker already awaits this certificate."),
    "uq_certificate_valid": (Code.ALREADY_CERTIFIED, "The worker already holds this certificate."),
    "uq_renewal_certificate_id": (Code.ALREADY_ASKED, "The renewal of this certificate is already under way."),
}


# PostgreSQL keeps no NUL in a text: what somebody typed, not a bug of ours.
UNKEEPABLE = "22021"
# Two who claim the same time at the same moment wait for each other, and PostgreSQL ends one of them.
DEADLOCK, RETRY_MS = "40P01", 500


def refusal_of(error: DBAPIError) -> Refused | None:
    """The refusal that a violated constraint, a text with a NUL or a deadlock stands for; None for a bug of ours."""
    state = getattr(error.orig, "sqlstate", None)
    if state == UNKEEPABLE:
        return refuse(Code.BAD_INPUT, "A text holds a NUL character (U+0000), which cannot be kept: leave it out.")
    if state == DEADLOCK:
        message = f"Somebody else changed the same in this moment: send it again in {RETRY_MS} ms."
        return Refused(Refusal(Code.BUSY, message, retry_ms=RETRY_MS))
    if not isinstance(error, IntegrityError):
        return None
    name = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    saying = SAYINGS.get(name or "")
    return refuse(*saying) if saying else None
