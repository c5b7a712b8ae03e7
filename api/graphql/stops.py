"""Why the door does not run a request: listed codes beside those of the rules, each with the way out."""

from enum import StrEnum
from typing import Any


class Stop(StrEnum):
    """Why a request was not run, or its answer not given; partners build on these, so they are never reworded."""

    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    THROTTLED = "THROTTLED"
    TIMEOUT = "TIMEOUT"
    ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"
    INTERNAL = "INTERNAL"


class Stopped(Exception):
    """The door does not go on with a request; `facts` are what a program needs to know of it."""

    def __init__(self, code: Stop, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts
