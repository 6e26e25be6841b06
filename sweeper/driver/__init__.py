"""The driver: one sweep from its plan to its closing tables, whatever runs the trials."""
