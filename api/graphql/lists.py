"""Closed lists that several nouns share, named for the schema before any of them uses one."""

import strawberry

from models.vocabulary import Channel, Confidence, Courtesy, Education, Subject

__all__ = ["Channel", "Confidence", "Courtesy", "Education", "Subject"]

strawberry.enum(Subject, name="Subject", description="A part of an operator's exam (科目).")
strawberry.enum(Education, name="Education", description="Schooling completed (学历), lowest first.")
strawberry.enum(Confidence, name="Confidence", description="How sure we are of a regulator's number.")
strawberry.enum(Channel, name="Channel", description="How a message leaves the house.")
strawberry.enum(Courtesy, name="Courtesy", description="A message that one may unsubscribe from; there are no others.")
