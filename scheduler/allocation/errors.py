"""What the core says when it cannot take what it was given."""


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


class PlanError(ValueError):
    """A document that does not have the form of a plan."""
