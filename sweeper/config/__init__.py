"""Hydra's edge: a composed config made into a trial, and what is wrong with it told."""
