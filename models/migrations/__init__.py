"""The schema's history, one file a change; `run` applies it."""
