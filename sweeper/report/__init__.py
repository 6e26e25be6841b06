"""Rows of a comparison, shown: on the terminal, as Markdown, CSV and JSON."""
