"""Rows of a comparison, shown: on the terminal, as a page, Markdown, LaTeX, CSV and JSON."""
