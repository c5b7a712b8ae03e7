"""The main job, once: a season of a district, played by people who sign in and act through GraphQL alone."""
