"""
Credit codes, identity documents and phone numbers: how they are written, checked and masked.

Everything here takes what a person typed and gives the one normal form, or raises `IdentifierError` with a sentence
that says what is wrong and what is expected. The sentence may name one character and its place, never the number.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

# GB 32100-2015: digits and capital letters without I, O, S, V, Z; the weights are 3^i mod 31.
CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)

# GB 11643-1999: ISO 7064 MOD 11-2; the weights are 2^(17-i) mod 11.
CITIZEN_NUMBER_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CITIZEN_NUMBER_CHECKS = "10X98765432"

# GB/T 2260 codes of the provinces that a resident's number begins with.
PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)),
)

FULL_LENGTH = 18
"""Characters of a credit code and of every document that carries a birth date."""
_OLD_CARD_LENGTH = 15
_EARLIEST_BIRTH_YEAR = 1900

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOBILE = re.compile(r"1[3-9]\d{9}")
# Beijing (010) and the 02x cities have three-digit area codes and eight-digit numbers; everyone else has four digits.
_LANDLINE = re.compile(r"(010|02\d)([2-9]\d{7})|(0[3-9]\d\d)([2-9]\d{6,7})")
_PHONE_LENGTHS = (10, 11, 12)


class IdentifierFault(StrEnum):
    """What can be wrong with an identifier."""

    WRONG_LENGTH = "WRONG_LENGTH"
    WRONG_CHARACTER = "WRONG_CHARACTER"
    WRONG_PREFIX = "WRONG_PREFIX"
    WRONG_BIRTH_DATE = "WRONG_BIRTH_DATE"
    WRONG_CHECK_CHARACTER = "WRONG_CHECK_CHARACTER"


class IdentifierError(ValueError):
    """What was typed is no such identifier; `detail` is a sentence for the person who typed it."""

    def __init__(self, code: IdentifierFault, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class DocumentKind(StrEnum):
    """The identity documents a worker may apply with."""

    RESIDENT_ID = "RESIDENT_ID"
    """公民身份号码, on the resident's identity card."""
    PASSPORT = "PASSPORT"
    """护照, of any country."""
    HMT_RESIDENCE_PERMIT = "HMT_RESIDENCE_PERMIT"
    """港澳台居民居住证, the permit of residents from Hong Kong, Macao and Taiwan."""
    PERMANENT_RESIDENT_CARD = "PERMANENT_RESIDENT_CARD"
    """外国人永久居留身份证, the foreign permanent resident's card."""


@dataclass(frozen=True)
class IdentityDocument:
    """A checked document in its normal form; build it with `identity_document`."""

    kind: DocumentKind
    number: str = field(repr=False)


def normalised(typed: str) -> str:
    """Half-width capitals without spaces and invisible characters: how every identifier is kept."""
    upper = unicodedata.normalize("NFKC", typed).upper()
    return "".join(c for c in upper if not c.isspace() and unicodedata.category(c) != "Cf")


def credit_code(typed: str) -> str:
    """
    The normal form of a unified social credit code (统一社会信用代码, GB 32100-2015).

    The first two characters may be letters. The district inside says where the firm registered, not where it is.

    Raises:
        IdentifierError: It has not 18 characters, one of them is not allowed there, or the check character is wrong.
    """
    code = normalised(typed)
    _require_length(code, (FULL_LENGTH,))
    _require_characters(code[:2], CREDIT_CODE_CHARACTERS)
    _require_characters(code[2:8], _DIGITS, after=2)
    _require_characters(code[8:], CREDIT_CODE_CHARACTERS, after=8)
    _require_check(code, credit_code_check_character)
    return code


def credit_code_check_character(first_seventeen: str) -> str:
    """The character that makes seventeen allowed characters a credit code."""
    values = map(CREDIT_CODE_CHARACTERS.index, first_seventeen)
    total = sum(value * weight for value, weight in zip(values, CREDIT_CODE_WEIGHTS, strict=True))
    return CREDIT_CODE_CHARACTERS[-total % 31]


def citizen_number_check_character(first_seventeen: str) -> str:
    """The character that makes seventeen digits a citizen's number; `X` stands for ten."""
    digits = map(int, first_seventeen)
    return CITIZEN_NUMBER_CHECKS[sum(d * weight for d, weight in zip(digits, CITIZEN_NUMBER_WEIGHTS, strict=True)) % 11]


def identity_document(kind: DocumentKind, typed: str) -> IdentityDocument:
    """
    A document of this kind with its number checked as far as the kind allows.

    Raises:
        IdentifierError: The number cannot stand on such a document.
    """
    number = normalised(typed)
    _NUMBER_RULES[kind](number)
    return IdentityDocument(kind, number)


def born_on(document: IdentityDocument) -> date | None:
    """The birth date the number carries; None for passports and fifteen-character cards, which carry none in full."""
    return _birth_date_in(document.number) if len(document.number) == FULL_LENGTH else None


def has_known_province(document: IdentityDocument) -> bool:
    """
    Whether a citizen's number begins with a province; true for other documents.

    A doubt to show, never a refusal: area codes come and go (310117 since 1998, before that 310227).
    """
    return document.kind is not DocumentKind.RESIDENT_ID or int(document.number[:2]) in PROVINCES


def mask_identity(document: IdentityDocument) -> str:
    """How a number is shown: `3101**********1234`; a quarter at each end where it is shorter."""
    shown = 4 if len(document.number) >= _OLD_CARD_LENGTH else len(document.number) // 4
    hidden = "*" * (len(document.number) - 2 * shown)
    return document.number[:shown] + hidden + document.number[-shown:]


def phone(typed: str) -> str:
    """
    The digits of a mainland mobile or landline number, without the country code.

    Raises:
        IdentifierError: It has another length, holds something else than digits, or begins like no mainland number.
    """
    digits = re.sub(r"^(\+|00)86", "", re.sub(r"[-‐-―()]", "", normalised(typed)))
    _require_characters(digits, _DIGITS)
    _require_length(digits, _PHONE_LENGTHS)
    if not (_MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)):
        expected = "a mobile number (13…–19…, 11 digits) or a landline with its area code (such as 021 and 8 digits)"
        raise IdentifierError(IdentifierFault.WRONG_PREFIX, f"It begins like no mainland phone; give {expected}.")
    return digits


def is_mobile(digits: str) -> bool:
    """Whether a number in normal form takes text messages."""
    return _MOBILE.fullmatch(digits) is not None


def mask_phone(digits: str) -> str:
    """How a phone number is shown in lists: `138****1234`; a landline keeps its area code and last four."""
    area = 3 if is_mobile(digits) or digits.startswith(("010", "02")) else 4
    return digits[:area] + "*" * (len(digits) - area - 4) + digits[-4:]


def _check_resident_id(number: str) -> None:
    _require_length(number, (FULL_LENGTH,))
    _require_citizen_number(number)


def _check_hmt_residence_permit(number: str) -> None:
    _require_length(number, (FULL_LENGTH,))
    _require_prefix(number, ("81", "82", "83"))
    _require_citizen_number(number)


def _check_permanent_resident_card(number: str) -> None:
    # Cards issued since December 2023 carry 18 characters beginning with 9; older ones three letters and twelve digits.
    _require_length(number, (_OLD_CARD_LENGTH, FULL_LENGTH))
    if len(number) == FULL_LENGTH:
        _require_prefix(number, ("9",))
        _require_citizen_number(number)
    else:
        _require_characters(number[:3], _LETTERS)
        _require_characters(number[3:], _DIGITS, after=3)


def _check_passport(number: str) -> None:
    # ICAO Doc 9303 gives a document number nine places; no state's passport has fewer than five.
    _require_length(number, (5, 6, 7, 8, 9))
    _require_characters(number, _DIGITS + _LETTERS)
    if not any(c in _DIGITS for c in number):
        raise IdentifierError(IdentifierFault.WRONG_CHARACTER, "A passport number holds at least one digit.")


_NUMBER_RULES: dict[DocumentKind, Callable[[str], None]] = {
    DocumentKind.RESIDENT_ID: _check_resident_id,
    DocumentKind.PASSPORT: _check_passport,
    DocumentKind.HMT_RESIDENCE_PERMIT: _check_hmt_residence_permit,
    DocumentKind.PERMANENT_RESIDENT_CARD: _check_permanent_resident_card,
}


def _require_citizen_number(number: str) -> None:
    _require_characters(number[:17], _DIGITS)
    _require_characters(number[17:], _DIGITS + "X", after=17)
    if _birth_date_in(number) is None:
        raise IdentifierError(
            IdentifierFault.WRONG_BIRTH_DATE,
            "Characters 7 to 14 must be a birth date that exists, written YYYYMMDD, from the year 1900 on.",
        )
    _require_check(number, citizen_number_check_character)


def _birth_date_in(number: str) -> date | None:
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    if year < _EARLIEST_BIRTH_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _require_length(text: str, allowed: tuple[int, ...]) -> None:
    if len(text) not in allowed:
        expected = " or ".join(map(str, allowed))
        raise IdentifierError(IdentifierFault.WRONG_LENGTH, f"It has {len(text)} characters; expected are {expected}.")


def _require_characters(text: str, allowed: str, *, after: int = 0) -> None:
    for place, character in enumerate(text, start=after + 1):
        if character not in allowed:
            raise IdentifierError(
                IdentifierFault.WRONG_CHARACTER,
                f"Character {place} is {character!r}; {_in_words(allowed)} may stand there.",
            )


def _in_words(allowed: str) -> str:
    match allowed:
        case "0123456789":
            return "only digits"
        case "0123456789X":
            return "only a digit or X"
        case "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            return "only letters A–Z"
        case "0123456789ABCDEFGHJKLMNPQRTUWXY":
            return "only digits and capital letters without I, O, S, V, Z"
        case _:
            return "only digits and letters A–Z"


def _require_prefix(number: str, allowed: tuple[str, ...]) -> None:
    if not number.startswith(allowed):
        expected = " or ".join(allowed)
        raise IdentifierError(IdentifierFault.WRONG_PREFIX, f"Numbers on this document begin with {expected}.")


def _require_check(code: str, check_character: Callable[[str], str]) -> None:
    if code[-1] != check_character(code[:-1]):
        raise IdentifierError(
            IdentifierFault.WRONG_CHECK_CHARACTER,
            f"Character {len(code)} does not fit the others: it is their check, so one of them is mistyped.",
        )
