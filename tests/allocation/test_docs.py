"""The definition in `docs/allocation.md` names every rule with its sentence, every reason, term and command."""

import inspect
from pathlib import Path

import pytest

from api.cli import app
from scheduler.allocation import Reason
from scheduler.allocation.plan import TERMS
from scheduler.allocation.rules import PLACE_RULES
from scheduler.allocation.verify import CHECKS

TEXT = (Path(__file__).parents[2] / "docs" / "allocation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_stands_there_with_its_sentence(name: str) -> None:
    assert f"| `{name}` | {(inspect.getdoc(CHECKS[name]) or '').splitlines()[0]} |" in TEXT


@pytest.mark.parametrize("rule", PLACE_RULES, ids=lambda rule: rule.name)
def test_every_rule_of_a_place_stands_there_with_its_sentence(rule: object) -> None:
    assert f"| `{rule.keeps.__name__}` | {rule.sentence} |" in TEXT  # type: ignore[attr-defined]


def test_every_reason_term_and_command_is_explained() -> None:
    assert all(f"| `{word}` |" in TEXT for word in (*Reason, *TERMS))
    commands = ("allocate", "explain", "whatif", "wish", "alternatives", "locality", "replan", "compare")
    assert all(f"doorstep {name} " in TEXT and name in set(app) for name in commands)
