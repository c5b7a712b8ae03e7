"""What was loaded already, by the district's own keys: later kinds refer to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.district.values import ExamKey

Ids = Mapping[str, int]
ExamIds = Mapping[ExamKey, int]


@dataclass(frozen=True)
class Known:
    """Ids by code or key."""

    jurisdictions: Ids
    exams: ExamIds
    enterprises: Ids
    exam_bodies: Ids
    examiners: Ids
