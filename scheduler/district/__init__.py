"""A synthetic district to try everything on: Songjiang's map, invented firms and people, the sheet's items."""
