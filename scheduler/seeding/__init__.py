"""Loads a generated district into an empty database."""
