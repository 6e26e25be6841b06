"""Sweeper: every combination of model, seed and framework in one line, compared honestly."""
