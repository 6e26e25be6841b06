"""The metrics that trials measure: of which task, which way is better, and how people read them."""

from __future__ import annotations

# Task -> its metrics, and whether greater is better.
METRICS = {
    "classification": {"accuracy": True, "loss": False, "macro_f1": True},
    "language_modelling": {"loss": False, "perplexity": False},
    "qa": {"loss": False, "perplexity": False, "exact_match": True, "token_f1": True},
}
SHARES = ("accuracy", "f1", "exact_match", "precision", "recall")


def is_share(metric: str) -> bool:
    """Whether a metric is a share of 1, which people read as per cent."""
    return metric.endswith(SHARES)
