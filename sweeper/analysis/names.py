"""Names of groups: what was chosen, in the shortest form that is not ambiguous."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeper.analysis.contents import Value, content_of
from sweeper.analysis.factors import ALWAYS

if TYPE_CHECKING:
    from sweeper.analysis.rows import Comparison, GroupRow

UNKNOWN = "–"
# Whose values say by themselves what they are of.
WITHOUT_HEADING = (*ALWAYS, "data", "task", "model.path", "data.path", "data.name")
# Where the hub's cache keeps a model: models--ORG--NAME/snapshots/COMMIT
SNAPSHOT = re.compile(r".*/(?:models|datasets)--([^/]+)/snapshots/[^/]+/?$")
ENDINGS = re.compile(r"(\.(csv|tsv|jsonl?|parquet|txt|gz|xz|bz2))+$")


@dataclass(frozen=True)
class Names:
    """How the values of a comparison's factors are called; `telling` are the factors that tell its groups apart."""

    factors: tuple[str, ...]
    telling: frozenset[str]
    short: Mapping[tuple[str, Value], str]

    @classmethod
    def of(cls, factors: Sequence[str], groups: Iterable[Sequence[Value]]) -> Names:
        """Return the names for groups with these values of the factors."""
        columns = list(zip(*dict.fromkeys(map(tuple, groups)), strict=True)) or [()] * len(factors)
        found: dict[tuple[str, Value], str] = {}
        for factor, values in zip(factors, columns, strict=True):
            if content_of(factor):
                texts = [value for value in dict.fromkeys(values) if isinstance(value, str)]
                found |= {(factor, text): name for text, name in _short_paths(factor, texts).items()}
        both = zip(factors, columns, strict=True)
        return cls(tuple(factors), frozenset(name for name, values in both if len(set(values)) > 1), found)

    def value(self, factor: str, value: Value) -> str:
        """A factor's value: as typed, but a path by its end."""
        return printable(self.short.get((factor, value), "")) or value_text(value)

    def labels(self, values: Sequence[Value]) -> tuple[str, ...]:
        """A label a factor: "pt", "camembert", "learning_rate 0.001"; empty where a model or data set has no path."""
        return tuple(self.label(factor, value) for factor, value in zip(self.factors, values, strict=True))

    def label(self, factor: str, value: Value) -> str:
        """A factor's value, with the factor's name where that is needed to know what it is."""
        if factor in WITHOUT_HEADING:
            return self.value(factor, value) if value is not None or factor in ALWAYS else ""
        return f"{heading(factor, self.factors)} {self.value(factor, value)}"

    def group(self, values: Sequence[Value], leave_out: Collection[str] = ()) -> str:
        """Name a group by the factors that tell groups apart; by model and framework where none does."""
        shown = [factor for factor in self.factors if factor not in leave_out]
        chosen = [factor for factor in shown if factor in self.telling] or shown[: len(ALWAYS)]
        own = zip(self.factors, self.labels(values), strict=True)
        return " ".join(text for factor, text in own if factor in chosen and text)


def group_name(group: GroupRow | Sequence[Value], comparison: Comparison, leave_out: Collection[str] = ()) -> str:
    """Name a group, or its factors' values, within a comparison: "pt", "rd camembert", "pt learning_rate 0.001"."""
    values: Sequence[Value] = getattr(group, "factors", group)  # type: ignore[arg-type]
    return comparison.names.group(values, leave_out)


def _short_paths(factor: str, paths: Sequence[str]) -> dict[str, str]:
    """Return each path's shortest end that no other one has; of data without what tells the file's format."""
    told = {path: _hub_name(path) for path in paths}
    if len(set(told.values())) < len(paths):  # several commits of one model
        told = {path: path for path in paths}
    found = {path: _shortest_end(own, [other for other in told.values() if other != own]) for path, own in told.items()}
    if factor.startswith("data."):
        bare = {path: ENDINGS.sub("", name) or name for path, name in found.items()}
        found = {path: name if [*bare.values()].count(name) == 1 else found[path] for path, name in bare.items()}
    return found


def _hub_name(path: str) -> str:
    found = SNAPSHOT.match(path)
    return found[1].replace("--", "/") if found else path


def _shortest_end(path: str, others: Sequence[str]) -> str:
    parts = path.rstrip("/").split("/")
    for number in range(1, len(parts)):
        end = "/".join(parts[-number:])
        if end not in (".", "..") and not any(f"/{other.rstrip('/')}".endswith(f"/{end}") for other in others):
            return end
    return path


def value_text(value: Value) -> str:
    """A setting's value as it is typed on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return UNKNOWN if value is None else printable(str(value))


def heading(factor: str, factors: Sequence[str]) -> str:
    """Short name of a factor: its last part, or all of it where that part alone is ambiguous."""
    last = factor.rpartition(".")[2]
    alike = [other for other in factors if other.rpartition(".")[2] == last]
    return printable(factor if last == "name" or len(alike) > 1 else last)


def printable(text: str) -> str:
    """Text without control characters, which could move the cursor or colour a terminal; one line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
