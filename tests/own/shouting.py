"""A data set of one's own: the demo's reviews in capitals."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sweeper.data import Examples
from sweeper.data.demo import Demo


@dataclass(frozen=True)
class Shouting(Demo):
    """Answers `sweeper.data.DataSource`; what it does not say itself, the demo says."""

    def splits(self) -> dict[str, Examples]:
        """Return the demo's splits with every text in capitals."""
        return {
            split: replace(examples, texts=tuple(text.upper() for text in examples.texts))
            for split, examples in super().splits().items()
        }

    def unlabelled(self) -> list[str]:
        """Return the demo's texts for pretraining in capitals."""
        return [text.upper() for text in super().unlabelled()]

    def digest(self) -> str:
        """Tell these texts from the demo's."""
        return f"{super().digest()}, in capitals"
