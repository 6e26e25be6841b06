"""One sweep from its plan to its closing tables, whatever runs the trials."""
