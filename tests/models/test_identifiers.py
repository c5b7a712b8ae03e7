import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identifiers import (
    CREDIT_CODE_CHARACTERS,
    DocumentKind,
    IdentifierError,
    IdentifierFault,
    IdentityDocument,
    born_on,
    citizen_number_check_character,
    credit_code,
    credit_code_check_character,
    has_known_province,
    identity_document,
    is_mobile,
    mask_identity,
    mask_phone,
    phone,
)

DIGITS = string.digits
RESIDENT = "31011719900307123"
GENUINE_CREDIT_CODE = "91110108551385082Q"


def citizen_number(first_seventeen: str) -> str:
    return first_seventeen + citizen_number_check_character(first_seventeen)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    head = draw(st.text(CREDIT_CODE_CHARACTERS, min_size=2, max_size=2))
    area = draw(st.text(DIGITS, min_size=6, max_size=6))
    body = draw(st.text(CREDIT_CODE_CHARACTERS, min_size=9, max_size=9))
    return head + area + body + credit_code_check_character(head + area + body)


@st.composite
def resident_numbers(draw: st.DrawFn) -> str:
    area = draw(st.text(DIGITS, min_size=6, max_size=6))
    born = draw(st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 12, 31)))
    order = draw(st.text(DIGITS, min_size=3, max_size=3))
    return citizen_number(f"{area}{born:%Y%m%d}{order}")


def fault_of_credit_code(typed: str) -> IdentifierFault:
    with pytest.raises(IdentifierError) as caught:
        credit_code(typed)
    return caught.value.code


def fault_of_document(kind: DocumentKind, typed: str) -> IdentifierFault:
    with pytest.raises(IdentifierError) as caught:
        identity_document(kind, typed)
    return caught.value.code


def fault_of_phone(typed: str) -> IdentifierFault:
    with pytest.raises(IdentifierError) as caught:
        phone(typed)
    return caught.value.code


def test_a_genuine_credit_code_is_accepted() -> None:
    assert credit_code(GENUINE_CREDIT_CODE) == GENUINE_CREDIT_CODE


def test_a_credit_code_may_begin_with_letters() -> None:
    first = "N2310117MF1234567"

    assert credit_code(first + credit_code_check_character(first)) == first + credit_code_check_character(first)


@pytest.mark.parametrize(
    "typed",
    [
        "91110108551385082q",
        " 9111 0108 5513 8508 2Q ",
        "９１１１０１０８５５１３８５０８２Ｑ",
        "91110108\u200b551385082Q\ufeff",
        "91110108　551385082ｑ",
    ],
)
def test_case_width_and_space_do_not_matter(typed: str) -> None:
    assert credit_code(typed) == GENUINE_CREDIT_CODE


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", IdentifierFault.WRONG_LENGTH),
        ("9111010855138508Q", IdentifierFault.WRONG_LENGTH),
        ("911101085513850822Q", IdentifierFault.WRONG_LENGTH),
        ("9111010855I385082Q", IdentifierFault.WRONG_CHARACTER),
        ("911101A8551385082Q", IdentifierFault.WRONG_CHARACTER),
        ("91110108551385082Z", IdentifierFault.WRONG_CHARACTER),
        ("91110108551385082P", IdentifierFault.WRONG_CHECK_CHARACTER),
    ],
)
def test_a_wrong_credit_code_is_refused_by_name(typed: str, fault: IdentifierFault) -> None:
    assert fault_of_credit_code(typed) is fault


def test_the_refusal_says_which_character_is_wrong_where() -> None:
    with pytest.raises(IdentifierError) as caught:
        credit_code("9111010855I385082Q")

    assert str(caught.value) == (
        "Character 11 is 'I'; only digits and capital letters without I, O, S, V, Z may stand there."
    )


def test_the_refusal_says_what_length_is_expected() -> None:
    with pytest.raises(IdentifierError) as caught:
        identity_document(DocumentKind.PERMANENT_RESIDENT_CARD, "123")

    assert caught.value.detail == "It has 3 characters; expected are 15 or 18."


@given(credit_codes())
def test_every_code_with_its_check_character_is_accepted(code: str) -> None:
    assert credit_code(code) == code


@given(credit_codes(), st.integers(0, 17), st.sampled_from(CREDIT_CODE_CHARACTERS))
def test_any_one_changed_character_of_a_credit_code_is_refused(code: str, place: int, other: str) -> None:
    changed = code[:place] + other + code[place + 1 :]

    if changed != code:
        fault_of_credit_code(changed)


@given(credit_codes(), st.integers(0, 16))
def test_any_two_exchanged_neighbours_of_a_credit_code_are_refused(code: str, place: int) -> None:
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]

    if changed != code:
        fault_of_credit_code(changed)


@given(resident_numbers(), st.integers(0, 17), st.sampled_from(DIGITS + "X"))
def test_any_one_changed_character_of_a_resident_number_is_refused(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]

    if changed != number:
        fault_of_document(DocumentKind.RESIDENT_ID, changed)


@given(resident_numbers(), st.integers(0, 16))
def test_any_two_exchanged_neighbours_of_a_resident_number_are_refused(number: str, place: int) -> None:
    changed = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    if changed != number:
        fault_of_document(DocumentKind.RESIDENT_ID, changed)


@given(st.text(), st.sampled_from(DocumentKind))
def test_whatever_is_typed_is_accepted_or_refused_with_a_sentence(typed: str, kind: DocumentKind) -> None:
    said = "accepted"
    try:
        identity_document(kind, typed)
    except IdentifierError as error:
        said = str(error)

    assert said == "accepted" or said.endswith(".")


@given(resident_numbers())
def test_a_refusal_never_repeats_the_number(number: str) -> None:
    wrong = number[:17] + ("1" if number[17] != "1" else "2")

    with pytest.raises(IdentifierError) as caught:
        identity_document(DocumentKind.RESIDENT_ID, wrong)

    assert wrong not in repr(caught.value)
    assert wrong[6:14] not in repr(caught.value)


def test_a_lower_case_check_x_is_accepted() -> None:
    document = identity_document(DocumentKind.RESIDENT_ID, "11010519491231002x")

    assert document == IdentityDocument(DocumentKind.RESIDENT_ID, "11010519491231002X")
    assert born_on(document) == date(1949, 12, 31)


@pytest.mark.parametrize("born", ["20230229", "19901301", "19900431", "18991231", "00000101"])
def test_a_birth_date_that_does_not_exist_is_refused_even_with_a_fitting_check(born: str) -> None:
    number = citizen_number(f"310117{born}123")

    assert fault_of_document(DocumentKind.RESIDENT_ID, number) is IdentifierFault.WRONG_BIRTH_DATE


def test_the_area_code_is_a_doubt_and_no_refusal() -> None:
    old_songjiang = identity_document(DocumentKind.RESIDENT_ID, citizen_number("31022719900307123"))
    nowhere = identity_document(DocumentKind.RESIDENT_ID, citizen_number("99999919900307123"))

    assert has_known_province(old_songjiang)
    assert not has_known_province(nowhere)


def test_x_stands_only_at_the_end() -> None:
    assert fault_of_document(DocumentKind.RESIDENT_ID, "X" * 18) is IdentifierFault.WRONG_CHARACTER


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000"])
def test_a_residence_permit_carries_a_birth_date(prefix: str) -> None:
    permit = identity_document(DocumentKind.HMT_RESIDENCE_PERMIT, citizen_number(f"{prefix}19900307123"))

    assert born_on(permit) == date(1990, 3, 7)
    assert has_known_province(permit)


def test_a_mainland_number_is_no_residence_permit() -> None:
    fault = fault_of_document(DocumentKind.HMT_RESIDENCE_PERMIT, citizen_number(RESIDENT))

    assert fault is IdentifierFault.WRONG_PREFIX


def test_both_forms_of_the_permanent_resident_card_are_accepted() -> None:
    new = identity_document(DocumentKind.PERMANENT_RESIDENT_CARD, citizen_number("93184019900307123"))
    old = identity_document(DocumentKind.PERMANENT_RESIDENT_CARD, "abc310199030712")

    assert born_on(new) == date(1990, 3, 7)
    assert old.number == "ABC310199030712"
    assert born_on(old) is None


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("A12", IdentifierFault.WRONG_LENGTH),
        ("E1234567890", IdentifierFault.WRONG_LENGTH),
        ("E1234_678", IdentifierFault.WRONG_CHARACTER),
        ("PASSPORT", IdentifierFault.WRONG_CHARACTER),
    ],
)
def test_a_wrong_passport_number_is_refused_by_name(typed: str, fault: IdentifierFault) -> None:
    assert fault_of_document(DocumentKind.PASSPORT, typed) is fault


def test_a_passport_carries_no_birth_date() -> None:
    assert born_on(identity_document(DocumentKind.PASSPORT, "ea1234567")) is None


def test_a_document_does_not_show_its_number_by_accident() -> None:
    document = identity_document(DocumentKind.RESIDENT_ID, citizen_number(RESIDENT))

    assert repr(document) == "IdentityDocument(kind=<DocumentKind.RESIDENT_ID: 'RESIDENT_ID'>)"


@pytest.mark.parametrize(
    ("kind", "number", "masked"),
    [
        (DocumentKind.RESIDENT_ID, "310117199003071234", "3101**********1234"),
        (DocumentKind.PERMANENT_RESIDENT_CARD, "ABC310199030712", "ABC3*******0712"),
        (DocumentKind.PASSPORT, "E12345678", "E1*****78"),
        (DocumentKind.PASSPORT, "A1234", "A***4"),
    ],
)
def test_a_masked_number_shows_only_its_ends(kind: DocumentKind, number: str, masked: str) -> None:
    assert mask_identity(IdentityDocument(kind, number)) == masked


@pytest.mark.parametrize(
    ("typed", "digits", "masked"),
    [
        ("138 0013 8000", "13800138000", "138****8000"),
        ("+86-138-0013-8000", "13800138000", "138****8000"),
        ("0086 19900001234", "19900001234", "199****1234"),
        ("021-57820000", "02157820000", "021****0000"),
        ("(010) 6655 1234", "01066551234", "010****1234"),
        ("０２１－５７８２００００", "02157820000", "021****0000"),
        ("0512-6551234", "05126551234", "0512***1234"),
        ("0512-65512345", "051265512345", "0512****2345"),
    ],
)
def test_a_mainland_phone_is_kept_as_digits_and_masked(typed: str, digits: str, masked: str) -> None:
    assert phone(typed) == digits
    assert mask_phone(phone(typed)) == masked


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", IdentifierFault.WRONG_LENGTH),
        ("1380013800", IdentifierFault.WRONG_PREFIX),
        ("57820000", IdentifierFault.WRONG_LENGTH),
        ("138001380001234", IdentifierFault.WRONG_LENGTH),
        ("12800138000", IdentifierFault.WRONG_PREFIX),
        ("021-17820000", IdentifierFault.WRONG_PREFIX),
        ("0211-7820000", IdentifierFault.WRONG_PREFIX),
        ("138OO138000", IdentifierFault.WRONG_CHARACTER),
    ],
)
def test_a_wrong_phone_is_refused_by_name(typed: str, fault: IdentifierFault) -> None:
    assert fault_of_phone(typed) is fault


def test_only_a_mobile_takes_text_messages() -> None:
    assert is_mobile("13800138000")
    assert not is_mobile("02157820000")
