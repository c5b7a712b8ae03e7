"""Why a command does not do its work; each text says what is wrong and the way out."""


class RulesSayNo(RuntimeError):
    """What was asked would break a rule; nothing was done."""


class CannotStart(RuntimeError):
    """Something that the work needs is not there or cannot be used."""
