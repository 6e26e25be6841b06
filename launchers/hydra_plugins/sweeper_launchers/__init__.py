"""Hydra launchers that run the trials of a sweep; Hydra finds them by their namespace."""
