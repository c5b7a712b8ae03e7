"""The auditor: every promise of the system, derived once more from the rows."""
