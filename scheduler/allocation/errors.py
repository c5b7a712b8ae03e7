"""What the core says when it cannot take what it was given."""

from collections.abc import Callable


class ProblemError(ValueError):
    """
    A problem that cannot be planned as it stands.

    Attributes:
        where: The field and id at fault, such as ``requests['r7'].people``.
        why: What is wrong with it.
        way_out: What would make it right.
    """

    def __init__(self, where: str, why: str, *, way_out: str) -> None:
        super().__init__(f"{where}: {why}; {way_out}")
        self.where = where
        self.why = why
        self.way_out = way_out

    def __reduce__(self) -> tuple[Callable[..., "ProblemError"], tuple[str, str, str]]:
        """How it travels from one process to another."""
        return _told_again, (self.where, self.why, self.way_out)


def _told_again(where: str, why: str, way_out: str) -> ProblemError:
    return ProblemError(where, why, way_out=way_out)


class PlanError(ValueError):
    """A document that does not have the form of a plan."""
