"""Imports every table, so that the metadata is complete wherever it is asked for."""

from models import (
    bookings,
    catalogue,
    changes,
    demand,
    grants,
    journal,
    outcomes,
    parties,
    places,
    rounds,
    sessions,
    windows,
)
from models.columns import Table

metadata = Table.metadata
TABLE_MODULES = (
    places,
    parties,
    catalogue,
    demand,
    rounds,
    sessions,
    grants,
    bookings,
    windows,
    outcomes,
    journal,
    changes,
)
