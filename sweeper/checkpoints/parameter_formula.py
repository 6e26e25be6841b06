"""How many parameters a model of a given shape has, part by part: closed formulas, and their numbers filled in.

A formula is a sum of products of the shape's numbers, so that what is printed is what is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod

from sweeper.checkpoints.checkpoint import CAUSAL_LMS, ENCODERS
from sweeper.trial.settings import ArchSettings

Formula = tuple[tuple[str | int, ...], ...]


class Part(StrEnum):
    """What a model's parameters are counted by."""

    WORDS = "word embeddings"
    POSITIONS = "position embeddings"
    TOKEN_TYPES = "token types"
    EMBEDDING_NORM = "embedding norm"
    ATTENTION_WEIGHTS = "attention weights"
    ATTENTION_BIASES = "attention biases"
    FEED_FORWARD_WEIGHTS = "feed-forward weights"
    FEED_FORWARD_BIASES = "feed-forward biases"
    LAYER_NORMS = "norms of the layers"
    FINAL_NORM = "norm after the layers"
    CLASSIFIER = "classification head"
    LANGUAGE_MODEL_HEAD = "language-model head"
    ADAPTER = "adapter"


PUBLISHED = (Part.WORDS, Part.POSITIONS, Part.ATTENTION_WEIGHTS, Part.FEED_FORWARD_WEIGHTS)
BIASES_AND_NORMS = (
    Part.EMBEDDING_NORM,
    Part.ATTENTION_BIASES,
    Part.FEED_FORWARD_BIASES,
    Part.LAYER_NORMS,
    Part.FINAL_NORM,
)
# Not every framework's model has these; the others must be there.
OPTIONAL = (Part.TOKEN_TYPES, Part.CLASSIFIER, Part.LANGUAGE_MODEL_HEAD, Part.ADAPTER)
# A layer has four matrices of attention (query, key, value, output) and two of the feed-forward, each with a bias, and
# two norms; a norm has a weight and a bias for each unit.
COMMON: Mapping[Part, Formula] = {
    Part.WORDS: (("vocabulary", "width"),),
    Part.EMBEDDING_NORM: ((2, "width"),),
    Part.ATTENTION_WEIGHTS: (("layers", 4, "width", "width"),),
    Part.ATTENTION_BIASES: (("layers", 4, "width"),),
    Part.FEED_FORWARD_WEIGHTS: (("layers", 2, "width", "feed_forward"),),
    Part.FEED_FORWARD_BIASES: (("layers", "feed_forward"), ("layers", "width")),
    Part.LAYER_NORMS: (("layers", 2, 2, "width"),),
}
ROBERTA: Mapping[Part, Formula] = {
    **COMMON,
    Part.POSITIONS: (("positions", "width"), ("offset", "width")),
    Part.TOKEN_TYPES: (("token_types", "width"),),
    Part.CLASSIFIER: (("width", "width"), ("width",), ("classes", "width"), ("classes",)),
    # Its output matrix is the word embeddings'.
    Part.LANGUAGE_MODEL_HEAD: (("width", "width"), ("width",), (2, "width"), ("vocabulary",)),
}
PRE_NORM: Mapping[Part, Formula] = {**ROBERTA, Part.FINAL_NORM: ((2, "width"),)}
# Its attention knows positions without parameters (ALiBi), and it predicts words by their embeddings alone.
BLOOM: Mapping[Part, Formula] = {
    **COMMON,
    Part.FINAL_NORM: ((2, "width"),),
    Part.CLASSIFIER: (("classes", "width"),),
}
OTHER_THAN_ROBERTA = {"roberta-prelayernorm": PRE_NORM, "bloom": BLOOM}
KNOWN = (*ENCODERS, *CAUSAL_LMS)
# Linear layers of a layer -> inputs and outputs of a matrix in all, and its outputs. LoRA puts two matrices beside
# one, inputs × rank and rank × outputs (Hu et al. 2021), and DoRA a number for each output (Liu et al. 2024).
BLOOM_MATRICES: Mapping[str, tuple[Formula, Formula]] = {
    "self_attention.query_key_value": (((4, "width"),), ((3, "width"),)),
    "self_attention.dense": (((2, "width"),), (("width",),)),
    "mlp.dense_h_to_4h": ((("width",), ("feed_forward",)), (("feed_forward",),)),
    "mlp.dense_4h_to_h": ((("feed_forward",), ("width",)), (("width",),)),
}
ROBERTA_MATRICES: Mapping[str, tuple[Formula, Formula]] = {
    "attention.self.query": (((2, "width"),), (("width",),)),
    "attention.self.key": (((2, "width"),), (("width",),)),
    "attention.self.value": (((2, "width"),), (("width",),)),
    "attention.output.dense": (((2, "width"),), (("width",),)),
    "intermediate.dense": ((("width",), ("feed_forward",)), (("feed_forward",),)),
    "output.dense": ((("feed_forward",), ("width",)), (("width",),)),
}
ALL_LINEAR = "all-linear"  # in place of names: all linear layers of the base model


@dataclass(frozen=True)
class Shape:
    """The numbers of an architecture that its parameters follow from.

    RoBERTa counts positions from `offset`, the id after <pad>: its table has a row for every smaller number too.
    """

    model_type: str
    vocabulary: int
    positions: int
    offset: int
    token_types: int
    width: int
    feed_forward: int
    layers: int
    classes: int
    rank: int = 0  # of an adapter; 0: there is none
    adapted: tuple[str, ...] = ()  # the linear layers that it stands beside, by the end of their names
    has_magnitudes: bool = False  # whether it has DoRA's

    @property
    def is_known(self) -> bool:
        """Whether there are formulas for such a model."""
        return self.model_type in KNOWN

    @classmethod
    def of(cls, arch: ArchSettings, vocabulary: int, offset: int, classes: int) -> Shape:
        """Return the shape of an architecture for so many words and classes."""
        same = ("model_type", "positions", "token_types", "width", "feed_forward", "layers")
        shared = {name: getattr(arch, name) for name in same}
        return cls(vocabulary=vocabulary, offset=offset, classes=classes, **shared)

    def formula(self, *parts: Part) -> Formula:
        """Return the sum of the parts' formulas; no term for a part that such a model cannot have."""
        formulas = {**OTHER_THAN_ROBERTA.get(self.model_type, ROBERTA), Part.ADAPTER: self.adapter_formula()}
        return tuple(term for part in parts for term in formulas.get(part, ()))

    def adapter_formula(self) -> Formula:
        """Return the sum of an adapter's matrices, and of its magnitudes where it has some."""
        matrices = BLOOM_MATRICES if self.model_type in CAUSAL_LMS else ROBERTA_MATRICES
        adapted = [
            sizes
            for name, sizes in matrices.items()
            if any(target == ALL_LINEAR or f".{name}".endswith(f".{target}") for target in self.adapted)
        ]
        products = tuple(("layers", "rank", *size) for sizes, _ in adapted for size in sizes)
        magnitudes = tuple(("layers", *size) for _, outputs in adapted for size in outputs)
        return products + (magnitudes if self.has_magnitudes else ())

    def value(self, formula: Formula) -> int:
        """Return what a formula gives for this shape."""
        return sum(prod(self.number(factor) for factor in term) for term in formula)

    def filled(self, formula: Formula) -> str:
        """Return a formula with this shape's numbers."""
        return " + ".join(" × ".join(f"{self.number(factor):,}" for factor in term) for term in formula)

    def number(self, factor: str | int) -> int:
        """Return the number that a factor stands for."""
        return factor if isinstance(factor, int) else int(getattr(self, factor))


def in_words(formula: Formula) -> str:
    """Return a formula with the names of its numbers."""
    return " + ".join(" × ".join(map(str, term)) for term in formula).replace("_", "-")


@dataclass(frozen=True)
class Counts:
    """Numbers of parameters of a model: all and those that are frozen by part, and what belongs to no part by name."""

    parts: Mapping[Part, int]
    frozen: Mapping[Part, int]
    unknown: Mapping[str, int]
    unknown_frozen: int = 0

    def of(self, parts: Iterable[Part]) -> int:
        """How many parameters several parts have."""
        return sum(self.parts.get(part, 0) for part in parts)

    @property
    def total(self) -> int:
        """All parameters."""
        return sum(self.parts.values()) + sum(self.unknown.values())

    @property
    def total_frozen(self) -> int:
        """Parameters that no update changes."""
        return sum(self.frozen.values()) + self.unknown_frozen

    def present(self) -> tuple[Part, ...]:
        """The parts that the model has or must have."""
        return tuple(part for part in Part if part in self.parts or part not in OPTIONAL)

    def mismatches(self, shape: Shape) -> list[str]:
        """Say which counts are not what the formulas give, a line each."""
        found = []
        for part in self.present():
            expected, counted = shape.value(shape.formula(part)), self.parts.get(part, 0)
            if counted != expected:
                found.append(f"{part}: {counted:,} in the model, {expected:,} by the formula")
        return found + [f"{name}: {size:,} in the model, in no formula" for name, size in self.unknown.items()]
