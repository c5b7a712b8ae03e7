"""
Identity numbers at rest: sealed by encryption, found again by a keyed hash, shown by a mask. Secrets of partners, too.

A box is key id, nonce and ciphertext in a row (AES-256-GCM). It opens only in the context it was sealed
for, so that a box copied to another row is as good as broken. The key id says which secret sealed it; a `Sealer`
given the retired secrets too still opens their boxes, and `is_stale` finds those to seal anew.
"""

import hmac
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.identifiers import DocumentKind, IdentityDocument, mask_identity

SECRET_BYTES = 32
"""Least length of a secret and of the pepper."""

_NONCE_BYTES = 12  # what NIST SP 800-38D recommends for GCM
_KEY_ID_BYTES = 8


class SealingError(Exception):
    """A number could not be sealed or its box not opened; the message never holds the number or a key."""


class WeakSecretError(SealingError):
    """A secret or the pepper is too short."""


class UnknownKeyError(SealingError):
    """The box was sealed with a secret this sealer was not given."""


class BrokenSealError(SealingError):
    """The box was changed, cut short, or belongs to another context or kind of document."""


@dataclass(frozen=True)
class SealedNumber:
    """What is remembered of an identity number: nothing in it gives the number back without the secret."""

    kind: DocumentKind
    box: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    """Keyed hash of kind and number: equal for the same document, whoever it is sealed for."""
    masked: str = field(repr=False)


class Sealer:
    """Seals identity numbers with one secret, and opens what it or a retired secret sealed."""

    def __init__(self, secret: bytes, pepper: bytes, *, retired: tuple[bytes, ...] = ()) -> None:
        for material in (secret, pepper, *retired):
            _require_strength(material)
        self._pepper = pepper
        self._key_id = _key_id(secret)
        self._keys = {_key_id(each): AESGCM(_derived(each, b"seal")) for each in (secret, *retired)}

    def __repr__(self) -> str:
        return "Sealer()"

    def seal(self, document: IdentityDocument, *, context: str) -> SealedNumber:
        """Everything to remember of a document; `context` names the one row it is for, such as `worker:42`."""
        return SealedNumber(
            kind=document.kind,
            box=self._boxed(document.number.encode(), _bound(document.kind, context)),
            fingerprint=self.fingerprint(document),
            masked=mask_identity(document),
        )

    def unseal(self, box: bytes, *, kind: DocumentKind, context: str) -> IdentityDocument:
        """
        The document again.

        Raises:
            UnknownKeyError: Sealed with a secret this sealer was not given.
            BrokenSealError: Changed, cut short, or sealed for another context or kind.
        """
        number = self._opened(box, _bound(kind, context))
        return IdentityDocument(kind, number.decode())

    def seal_secret(self, secret: bytes, *, context: str) -> bytes:
        """A box for a secret that is to be used again; `context` names the one row it is for."""
        return self._boxed(secret, _bound("secret", context))

    def unseal_secret(self, box: bytes, *, context: str) -> bytes:
        """
        The secret again.

        Raises:
            UnknownKeyError: Sealed with a secret this sealer was not given.
            BrokenSealError: Changed, cut short, or sealed for another context.
        """
        return self._opened(box, _bound("secret", context))

    def is_stale(self, box: bytes) -> bool:
        """Whether the box was sealed with another than the current secret."""
        return not box.startswith(self._key_id)

    def fingerprint(self, document: IdentityDocument) -> bytes:
        """The keyed hash by which the same document is found again; it does not depend on the secret."""
        return hmac.new(self._pepper, f"{document.kind}\x00{document.number}".encode(), "sha256").digest()

    def _boxed(self, content: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return self._key_id + nonce + self._keys[self._key_id].encrypt(nonce, content, bound)

    def _opened(self, box: bytes, bound: bytes) -> bytes:
        key_id, nonce, ciphertext = _parts(box)
        if key_id not in self._keys:
            raise UnknownKeyError("The box names a key that is neither the current one nor a retired one.")
        try:
            return self._keys[key_id].decrypt(nonce, ciphertext, bound)
        except InvalidTag as error:
            raise BrokenSealError("The box was changed, or sealed for another context or kind.") from error


def _require_strength(material: bytes) -> None:
    if len(material) < SECRET_BYTES:
        raise WeakSecretError(f"A secret has {len(material)} bytes; at least {SECRET_BYTES} are needed.")


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=b"doorstep/" + purpose).derive(secret)


def _key_id(secret: bytes) -> bytes:
    # Derived for a purpose of its own: the id stands in the clear and must say nothing about the key.
    return _derived(secret, b"key id")[:_KEY_ID_BYTES]


def _bound(kind: str, context: str) -> bytes:
    return f"{kind}\x00{context}".encode()


def _parts(box: bytes) -> tuple[bytes, bytes, bytes]:
    body = _KEY_ID_BYTES + _NONCE_BYTES
    if len(box) <= body:
        raise BrokenSealError("The box was cut short.")
    return box[:_KEY_ID_BYTES], box[_KEY_ID_BYTES:body], box[body:]
