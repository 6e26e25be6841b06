"""What a trial is, and how it ended. Standard library only."""

from sweeper.trial.trial import Trial

__all__ = ["Trial"]
