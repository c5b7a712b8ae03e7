"""The reference checker beside these tests, loaded as it lies there."""

import importlib.util
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"
SPEC = importlib.util.spec_from_file_location("check_plan", REFERENCE / "check_plan.py")
assert SPEC
assert SPEC.loader
CHECK_PLAN = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK_PLAN)


def check(problem: dict[str, Any], plan: dict[str, Any]) -> tuple[list[str], dict[str, float]]:
    """What a plan breaks, and its terms, by the definition."""
    found: tuple[list[str], dict[str, float]] = CHECK_PLAN.check(problem, plan)
    return found
