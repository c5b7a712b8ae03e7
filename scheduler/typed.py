"""What people type: names that are not blank, points on the map, numbers within sensible bounds."""

import math

from scheduler.refusals import Code, Refusal, Refused

LONGEST_NAME = 200


def refuse_any(*reasons: Refusal | None) -> None:
    """
    Refuse with all the reasons there are.

    Raises:
        Refused: There is one at least.
    """
    there = [reason for reason in reasons if reason]
    if there:
        raise Refused(*there)


def why_not_text(text: str | None, *path: str) -> Refusal | None:
    """Something is written there, and not a novel; None stands for nothing given and passes."""
    if text is None or (1 <= len(text.strip()) <= LONGEST_NAME and text.strip().isprintable()):
        return None
    return Refusal(Code.BAD_INPUT, f"Write 1 to {LONGEST_NAME} characters here, in one line.", path)


def why_not_point(latitude: float | None, longitude: float | None) -> Refusal | None:
    """Both coordinates or none, and on the map."""
    if (latitude is None) != (longitude is None):
        return Refusal(Code.BAD_INPUT, "Give latitude and longitude, or neither.", ("input", "latitude"))
    return why_not_between(latitude, -90, 90, "input", "latitude") or why_not_between(
        longitude, -180, 180, "input", "longitude"
    )


def why_not_between(value: float | None, least: float, most: float, *path: str) -> Refusal | None:
    """The number lies within its bounds, both inside; None stands for nothing given and passes."""
    if value is None or (math.isfinite(value) and least <= value <= most):
        return None
    return Refusal(Code.OUT_OF_RANGE, f"Give a number from {least:g} to {most:g}.", path)
