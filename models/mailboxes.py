"""E-mail addresses and their normal form."""

import re

from models.identifiers import IdentifierError, IdentifierFault

LONGEST = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_LOCAL = 64


def email_address(typed: str) -> str:
    """
    The normal form of an e-mail address: trimmed, its domain in small letters.

    Raises:
        IdentifierError: It is none that every mail server takes: ASCII, one name, a domain with a dot.
    """
    local, _, domain = typed.strip().rpartition("@")
    domain = domain.lower()
    if len(local) + len(domain) + 1 > LONGEST or len(local) > _LONGEST_LOCAL:
        raise IdentifierError(
            IdentifierFault.WRONG_LENGTH, f"An e-mail address has {LONGEST} characters at most, 64 before the @."
        )
    labels = domain.split(".")
    is_domain = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    if not is_domain or not _LOCAL.fullmatch(local):
        message = "This is no e-mail address: write it like name@example.cn, in Latin letters."
        raise IdentifierError(IdentifierFault.WRONG_CHARACTER, message)
    return f"{local}@{domain}"
