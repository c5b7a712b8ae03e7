"""How rows are called in a problem and a plan, both ways."""


def key_in_problem(kind: str, row_id: int) -> str:
    """The id of a row in a problem, such as `site-12`."""
    return f"{kind}-{row_id}"


def row_behind(key: str) -> int:
    """The row that an id of a problem stands for."""
    return int(key.rpartition("-")[2])
