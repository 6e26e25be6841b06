"""Pretraining: language modelling on unlabelled text."""
