"""A trial's settings, with their allowed ranges.

Standard library only. The classes are also the configuration's schema: `sweeper.config` derives the mutable twins that
Hydra needs from them, so each setting is declared once, here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from sweeper.wrong_input import WrongInput

LARGEST_SEED = 2**32 - 1  # NumPy's


class Family(StrEnum):
    """Architecture families; a framework names the one it trains."""

    encoder = "encoder"
    causal_lm = "causal_lm"


class Schedule(StrEnum):
    """Shape of the learning rate after warm-up."""

    linear = "linear"
    constant = "constant"
    polynomial = "polynomial"
    cosine = "cosine"


class Precision(StrEnum):
    """Number format of training; bf16 and fp16 are mixed precision (fp32 master weights)."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


def setting(
    default: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    identity: bool = True,
) -> Any:
    """Declare a field with its allowed range and whether it determines a trial's result.

    identity=False is for what a content digest stands for already (a path) or what changes no number.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    bounds = {name: limit for name, limit in limits.items() if limit is not None}
    return field(default=default, metadata={"bounds": bounds, "identity": identity})


@dataclass(frozen=True)
class ModelSettings:
    """Where a trial's weights come from."""

    name: str = "rd"
    pretrained: bool = False
    # A directory in Transformers' or fairseq's format or a hub name; or one for each architecture family.
    path: Any = setting(None, identity=False)


@dataclass(frozen=True)
class PretrainingSettings:
    """How weights are made from unlabelled text when a pretrained model is wanted and none is given."""

    updates: int = setting(900, at_least=1)
    batch_size: int = setting(64, at_least=1)
    learning_rate: float = setting(5e-3, above=0)
    warmup_ratio: float = setting(0.06, at_least=0, at_most=1)
    weight_decay: float = setting(0.01, at_least=0)
    gradient_clip: float = setting(1.0, at_least=0)
    mask_probability: float = setting(0.2, above=0, below=1)  # of an encoder's objective
    # Of packed text: ids of a sequence (null: as many as there are positions), and of the first updates' sequences.
    sequence_length: int | None = setting(None, at_least=3)
    short_length: int = setting(32, at_least=3)
    short_share: float = setting(0.0, at_least=0, at_most=1)
    precision: Precision = Precision.fp32
    seed: int = setting(0, at_least=0, at_most=LARGEST_SEED)


@dataclass(frozen=True)
class ArchSettings:
    """Shape of a model and how random weights are drawn."""

    name: str = ""  # empty: no architecture of this family is chosen
    model_type: str = "roberta"  # as in Transformers: roberta, roberta-prelayernorm, bloom
    layers: int = setting(2, at_least=1)
    width: int = setting(64, at_least=1)
    heads: int = setting(2, at_least=1)
    feed_forward: int = setting(128, at_least=1)
    positions: int = setting(62, at_least=3)  # longest sequence, <s> and </s> included
    vocabulary_size: int | None = setting(None, at_least=6)  # rows of the embedding; null: the tokenizer's size
    token_types: int = setting(1, at_least=1)  # an encoder's rows for kinds of segments, of which only row 0 is used
    layer_norm_eps: float = setting(1e-5, above=0)
    init_std: float = setting(0.02, above=0)
    dropout: float = setting(0.1, at_least=0, below=1)
    attention_dropout: float = setting(0.1, at_least=0, below=1)
    # Weights that are made by it are known by their own digest.
    pretraining: PretrainingSettings = setting(PretrainingSettings(), identity=False)


@dataclass(frozen=True)
class TaskSettings:
    """What is learnt, and which validation metric selects the best epoch."""

    name: str = "classification"
    selection_metric: str = "accuracy"
    greater_is_better: bool = True

    @property
    def is_language_modelling(self) -> bool:
        """Whether the task is to predict words of unlabelled text."""
        return self.name == "language_modelling"


class TokenizerKind(StrEnum):
    """Tokenizers that can be trained."""

    unigram = "unigram"  # sentencepiece's, as XLM-R's and T5's
    bpe = "bpe"  # sentencepiece's byte-pair encoding of characters
    byte_bpe = "byte_bpe"  # byte-pair encoding of bytes, as RoBERTa's and BLOOM's: no text is unknown
    word = "word"  # words between white space


@dataclass(frozen=True)
class TokenizerSettings:
    """Which tokenizer; its path is stood for by a digest of its content."""

    # Trained on the data's own text; null: the given one, else words where the data set says so.
    kind: TokenizerKind | None = None
    path: str | None = setting(
        None, identity=False
    )  # tokenizer.json or a sentencepiece model; null: the model's or data's own
    vocabulary_size: int | None = setting(None, at_least=6)  # keep this many pieces, special ones included; null: all
    count_on: str | None = setting(
        None, identity=False
    )  # text file that the pieces are counted on; null: training texts


@dataclass(frozen=True)
class HuggingFaceSettings:
    """Options of framework=hf."""

    # Freeze the token-type row and decay every parameter, as fairseq does.
    match_fairseq: bool = False


class Initialization(StrEnum):
    """Where fairseq's weights come from that are not pretrained."""

    paired = "paired"  # those that framework=hf draws for the same trial
    own = "own"  # fairseq's own, whatever arch.encoder.init_std says


@dataclass(frozen=True)
class FairseqSettings:
    """Options of framework=fairseq."""

    initialization: Initialization = Initialization.paired


class TrainedBias(StrEnum):
    """Which biases LoRA trains beside its matrices."""

    none = "none"
    all = "all"
    lora_only = "lora_only"


class AdapterTask(StrEnum):
    """What PEFT adapts a model for."""

    CAUSAL_LM = "CAUSAL_LM"


class Quantization(StrEnum):
    """How a frozen base is held in memory."""

    nf4 = "nf4"


@dataclass(frozen=True)
class LoraSettings:
    """Options of framework=lora; conf/framework/lora.yaml says what each means."""

    r: int = setting(16, at_least=1)
    alpha: int = setting(32, at_least=1)
    target_modules: tuple[str, ...] = ("query_key_value",)
    dropout: float = setting(0.05, at_least=0, below=1)
    bias: TrainedBias = TrainedBias.none
    task_type: AdapterTask = AdapterTask.CAUSAL_LM
    quantization: Quantization | None = None
    length_normalised: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_modules", tuple(self.target_modules))  # YAML knows lists only
        if not self.target_modules or not all(self.target_modules):
            raise WrongInput(
                f"framework.lora.target_modules=[{','.join(self.target_modules)}] names no module\n"
                "allowed: names of the model's linear layers, as in [query_key_value]"
            )


@dataclass(frozen=True)
class LanguageModellingSettings:
    """Options of framework=pretraining."""

    mask_probability: float = setting(0.3, above=0, below=1)  # of an encoder's objective
    # The first updates take sequences of so many ids, the others of train.max_length. What neighbours tell is learnt
    # from short ones in a fraction of the time (Devlin et al. 2019, appendix A.2, began with short ones too).
    short_length: int = setting(32, at_least=3)
    short_share: float = setting(0.0, at_least=0, at_most=1)  # of the updates
    evaluations: int = setting(20, at_least=1)  # on held-out text, evenly spread over the updates


@dataclass(frozen=True)
class FrameworkSettings:
    """Which adapter trains, and its options."""

    name: str = "hf"
    family: Family = Family.encoder
    _target_: str = "sweeper.frameworks.hf.HuggingFace"
    # Modules that take long to import; a launcher may import them once for all trials.
    preload: tuple[str, ...] = setting((), identity=False)
    hf: HuggingFaceSettings = HuggingFaceSettings()
    fairseq: FairseqSettings = FairseqSettings()
    lora: LoraSettings = LoraSettings()
    pretraining: LanguageModellingSettings = LanguageModellingSettings()
    options: dict[str, Any] = field(default_factory=dict)  # for adapters outside this package


@dataclass(frozen=True)
class TrainSettings:
    """The optimisation. An update is one optimizer step; an epoch one pass over the training examples."""

    epochs: int = setting(5, at_least=1)
    max_steps: int | None = setting(None, at_least=1)  # stop after this many updates; null: when the epochs are over
    batch_size: int = setting(8, at_least=1)
    learning_rate: float = setting(1e-3, above=0)
    betas: tuple[float, float] = setting((0.9, 0.98), at_least=0, below=1)
    eps: float = setting(1e-8, above=0)
    weight_decay: float = setting(0.01, at_least=0)
    warmup_ratio: float = setting(0.06, at_least=0, at_most=1)  # share of the updates
    schedule: Schedule = Schedule.linear
    polynomial_power: float = setting(2.0, above=0)  # of schedule=polynomial
    max_length: int = setting(62, at_least=3)  # ids a text is cut to, <s> and </s> included
    gradient_clip: float = setting(1.0, at_least=0)  # largest norm of the gradient; 0: no clipping
    precision: Precision = Precision.fp32
    eval_batch_size: int = setting(100, at_least=1)
    threads: int = setting(1, at_least=1)  # CPU threads of one trial

    def __post_init__(self) -> None:
        if len(self.betas) != 2:
            raise WrongInput(
                f"train.betas={list(self.betas)} has {len(self.betas)} numbers\nallowed: two, as in [0.9,0.98]"
            )
        object.__setattr__(self, "betas", tuple(self.betas))  # YAML knows lists only


def check_ranges(settings: Any, prefix: str = "") -> None:
    """Raise WrongInput naming the first setting that lies outside its declared range."""
    for item in fields(settings):
        value = getattr(settings, item.name)
        name = f"{prefix}{item.name}"
        if is_dataclass(value):
            check_ranges(value, f"{name}.")
            continue
        for number in value if isinstance(value, tuple) else (value,):
            check_bounds(name, number, item.metadata.get("bounds", {}))


def check_bounds(name: str, number: Any, bounds: Mapping[str, float]) -> None:
    """Raise WrongInput when a number is not finite or breaks one of its bounds."""
    if not isinstance(number, int | float) or isinstance(number, bool):
        return
    kept = {
        "at_least": lambda limit: number >= limit,
        "above": lambda limit: number > limit,
        "at_most": lambda limit: number <= limit,
        "below": lambda limit: number < limit,
    }
    if math.isfinite(number) and all(kept[kind](limit) for kind, limit in bounds.items()):
        return
    allowed = " and ".join(f"{kind.replace('_', ' ')} {limit}" for kind, limit in bounds.items())
    raise WrongInput(f"{name}={number} is out of range\nallowed: {allowed or 'a finite number'}")
