"""Closed lists that several nouns share, named for the schema before any of them uses one."""

import strawberry

from models.vocabulary import Confidence, Education, Subject

__all__ = ["Confidence", "Education", "Subject"]

strawberry.enum(Subject, name="Subject", description="A part of an operator's exam (科目).")
strawberry.enum(Education, name="Education", description="Schooling completed (学历), lowest first.")
strawberry.enum(Confidence, name="Confidence", description="How sure we are of a regulator's number.")
