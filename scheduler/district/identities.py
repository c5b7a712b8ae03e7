"""Identity numbers, credit codes and phones that are valid in form and belong to nobody."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from models.identifiers import (
    DocumentKind,
    IdentityDocument,
    citizen_number_check_character,
    credit_code,
    credit_code_check_character,
    identity_document,
    phone,
)

LEAST_AGE = 19
MOST_AGE = 59

# Where people are registered: Songjiang's code now and before 1998, then districts that many of its workers come from.
_AREAS = ("310117", "310227", "341221", "321322", "411627", "360430", "330482", "422801", "511321", "610525")
_AREA_WEIGHTS = (20, 12, 16, 12, 12, 8, 8, 4, 4, 4)
_PERMIT_AREAS = ("810000", "820000", "830000")
_PERMIT_SHARE = 0.01

# Order number 000 is never given out (they begin at 001), so that no number here is a real person's. [believed]
_ORDER_NUMBER = "000"

# Registration authority and kind of a firm, a sole trader and a village cooperative; the last begins with a letter.
_CREDIT_HEADS = ("91", "92", "N2")
_CREDIT_HEAD_WEIGHTS = (80, 14, 6)


def credit_codes(chance: Random, *, bureau: int) -> Iterator[str]:
    """The credit codes of a bureau's firms, one after the other."""
    # Organisation codes beginning with XX are not issued. [believed]
    for number in range(1, 10**5):
        (head,) = chance.choices(_CREDIT_HEADS, _CREDIT_HEAD_WEIGHTS)
        first = f"{head}310117XX{bureau:02d}{number:05d}"
        yield credit_code(first + credit_code_check_character(first))


def phones(*, bureau: int) -> Iterator[str]:
    """Mobile numbers of a bureau's contact persons, one after the other."""
    # The prefix 154 is assigned to no carrier. [believed]
    return (phone(f"154{bureau:03d}{number:05d}") for number in range(10**5))


def documents(chance: Random, *, on: date, given: set[str]) -> Iterator[tuple[IdentityDocument, date]]:
    """Documents with their birth dates, for people of 19 to 59 on a day; none twice, nor one already `given`."""
    while True:
        born = _birth_date(chance, on)
        document = _document(chance, born)
        if document.number not in given:
            given.add(document.number)
            yield document, born


def _birth_date(chance: Random, on: date) -> date:
    oldest = _years_before(on, MOST_AGE + 1) + timedelta(days=1)
    youngest = _years_before(on, LEAST_AGE)
    return oldest + timedelta(days=chance.randrange((youngest - oldest).days + 1))


def _years_before(day: date, years: int) -> date:
    # The 29th of February has no anniversary in most years; the 28th is close enough for an invented birth.
    return day.replace(year=day.year - years, day=min(day.day, 28))


def _document(chance: Random, born: date) -> IdentityDocument:
    if chance.random() < _PERMIT_SHARE:
        kind, area = DocumentKind.HMT_RESIDENCE_PERMIT, chance.choice(_PERMIT_AREAS)
    else:
        kind, (area,) = DocumentKind.RESIDENT_ID, chance.choices(_AREAS, _AREA_WEIGHTS)
    first = f"{area}{born:%Y%m%d}{_ORDER_NUMBER}"
    return identity_document(kind, first + citizen_number_check_character(first))
