import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identifiers import DocumentKind, IdentityDocument
from models.sealing import BrokenSealError, Sealer, UnknownKeyError, WeakSecretError

SECRET = b"a secret of the deployment, long"
OTHER_SECRET = b"another secret of the deployment"
PEPPER = b"the pepper of the keyed hash, ok"
NUMBER = "310117199003071234"
DOCUMENT = IdentityDocument(DocumentKind.RESIDENT_ID, NUMBER)
BOX = Sealer(SECRET, PEPPER).seal(DOCUMENT, context="worker:1").box
PASSPORT = IdentityDocument(DocumentKind.PASSPORT, NUMBER)


def sealer(secret: bytes = SECRET, *retired: bytes) -> Sealer:
    return Sealer(secret, PEPPER, retired=retired)


def test_what_was_sealed_is_unsealed_in_its_context() -> None:
    sealed = sealer().seal(DOCUMENT, context="worker:1")

    assert sealer().unseal(sealed.box, kind=sealed.kind, context="worker:1") == DOCUMENT


def test_a_sealed_number_shows_only_its_mask() -> None:
    sealed = sealer().seal(DOCUMENT, context="worker:1")

    assert sealed.masked == "3101**********1234"
    assert NUMBER.encode() not in sealed.box
    assert repr(sealed) == "SealedNumber(kind=<DocumentKind.RESIDENT_ID: 'RESIDENT_ID'>)"
    assert repr(sealer()) == "Sealer()"


def test_the_same_number_is_sealed_differently_each_time_and_found_by_its_fingerprint() -> None:
    first = sealer().seal(DOCUMENT, context="worker:1")
    second = sealer().seal(DOCUMENT, context="worker:2")

    assert first.box != second.box
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 32


def test_the_fingerprint_depends_on_kind_and_pepper_but_not_on_the_secret() -> None:
    fingerprint = sealer().fingerprint(DOCUMENT)

    assert sealer(OTHER_SECRET).fingerprint(DOCUMENT) == fingerprint
    assert sealer().fingerprint(PASSPORT) != fingerprint
    assert Sealer(SECRET, b"x" * 32).fingerprint(DOCUMENT) != fingerprint


def test_a_box_copied_to_another_row_or_kind_does_not_open() -> None:
    sealed = sealer().seal(DOCUMENT, context="worker:1")

    with pytest.raises(BrokenSealError):
        sealer().unseal(sealed.box, kind=sealed.kind, context="worker:2")
    with pytest.raises(BrokenSealError):
        sealer().unseal(sealed.box, kind=DocumentKind.PASSPORT, context="worker:1")


def test_a_retired_secret_still_opens_and_its_boxes_are_stale() -> None:
    old_box = sealer(OTHER_SECRET).seal(DOCUMENT, context="worker:1").box
    rotated = sealer(SECRET, OTHER_SECRET)

    assert rotated.unseal(old_box, kind=DOCUMENT.kind, context="worker:1") == DOCUMENT
    assert rotated.is_stale(old_box)
    assert not rotated.is_stale(rotated.seal(DOCUMENT, context="worker:1").box)


def test_a_box_of_an_unknown_secret_is_named_as_such() -> None:
    box = sealer(OTHER_SECRET).seal(DOCUMENT, context="worker:1").box

    with pytest.raises(UnknownKeyError):
        sealer().unseal(box, kind=DOCUMENT.kind, context="worker:1")


@pytest.mark.parametrize(("secret", "pepper"), [(b"short", PEPPER), (SECRET, b""), (SECRET, b"x" * 31)])
def test_a_weak_secret_is_refused(secret: bytes, pepper: bytes) -> None:
    with pytest.raises(WeakSecretError):
        Sealer(secret, pepper)


def test_a_weak_retired_secret_is_refused() -> None:
    with pytest.raises(WeakSecretError):
        sealer(SECRET, b"short")


@given(st.integers(0, len(BOX) - 1), st.integers(0, 255))
def test_a_box_changed_anywhere_does_not_open(place: int, other: int) -> None:
    changed = BOX[:place] + bytes([other]) + BOX[place + 1 :]

    if changed != BOX:
        with pytest.raises((BrokenSealError, UnknownKeyError)):
            sealer().unseal(changed, kind=DOCUMENT.kind, context="worker:1")


@pytest.mark.parametrize("length", range(len(BOX)))
def test_a_box_cut_short_does_not_open(length: int) -> None:
    with pytest.raises((BrokenSealError, UnknownKeyError)):
        sealer().unseal(BOX[:length], kind=DOCUMENT.kind, context="worker:1")


def test_a_partners_secret_opens_for_its_own_row_alone_and_stands_nowhere_in_the_box() -> None:
    box = sealer().seal_secret(b"theirs", context="webhook_endpoint:1")

    assert b"theirs" not in box
    assert sealer().unseal_secret(box, context="webhook_endpoint:1") == b"theirs"
    with pytest.raises(BrokenSealError):
        sealer().unseal_secret(box, context="webhook_endpoint:2")
