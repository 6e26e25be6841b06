"""A trial's settings, with their allowed ranges.

Standard library only. The classes are also the configuration's schema: `config.schema` derives the mutable twins that
Hydra needs from them, so each setting is declared once, here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from sweeper.errors import WrongInput

LARGEST_SEED = 2**32 - 1  # NumPy's
# More than any machine can do: what is larger is a slip of the keyboard, and would end in a trial's traceback.
MOST_UPDATES, MOST_EXAMPLES, MOST_LENGTH = 10**9, 10**6, 10**8
MOST_THREADS, MOST_LAYERS, MOST_WIDTH, MOST_ROWS = 1024, 1000, 10**5, 10**8
LARGEST_RATE, LARGEST_NUMBER = 100, 10**6  # of learning; of what is added, multiplied or clipped by
BOUNDS = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}


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
    default: Any = MISSING,
    *,
    help: str = "",
    identity: bool = True,
    since: int = 1,
    factory: Callable[[], Any] | None = None,
    **bounds: float,
) -> Any:
    """Declare a field: what it means and its unit (`help`), its range, and whether it determines a trial's result.

    identity=False is for what a content digest stands for already (a path) or what changes no number. since=2 is for a
    setting that was added after the first version: at its default it is no part of an identity, so that the ids of
    earlier trials stay. `factory` makes the default of a mutable kind; `bounds` are called as in `BOUNDS`.
    """
    metadata = {"help": help, "bounds": bounds, "identity": identity, "since": since}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


class Head(StrEnum):
    """What becomes of a classification head that pretrained weights bring."""

    draw = "draw"
    keep = "keep"


@dataclass(frozen=True)
class ModelSettings:
    """Where a trial's weights come from."""

    name: str = setting("rd", help="how tables call the model")
    pretrained: bool = setting(False, help="whether weights are read or pretrained, not drawn from the seed")
    path: Any = setting(
        None,
        identity=False,
        help="a directory in Transformers' or fairseq's format or a hub name; or one for each architecture family",
    )
    head: Head = setting(
        Head.draw,
        since=2,
        help="draw: a classification head that the weights bring is left out, and one drawn from the seed; keep: it is"
        " trained on, where its classes are the data's, in their order",
    )


@dataclass(frozen=True)
class PretrainingSettings:
    """How weights are made from unlabelled text when a pretrained model is wanted and none is given."""

    updates: int = setting(900, at_least=1, at_most=MOST_UPDATES, help="number of updates")
    batch_size: int = setting(64, at_least=1, at_most=MOST_EXAMPLES, help="sequences an update")
    learning_rate: float = setting(5e-3, above=0, at_most=LARGEST_RATE, help="the schedule's peak")
    warmup_ratio: float = setting(0.06, at_least=0, at_most=1, help="share of the updates")
    weight_decay: float = setting(0.01, at_least=0, at_most=LARGEST_RATE, help="of AdamW")
    gradient_clip: float = setting(
        1.0, at_least=0, at_most=LARGEST_NUMBER, help="largest norm of the gradient; 0: no clipping"
    )
    mask_probability: float = setting(0.2, above=0, below=1, help="share of the pieces that an encoder predicts")
    sequence_length: int | None = setting(
        None,
        at_least=3,
        at_most=MOST_LENGTH,
        help="ids of a sequence of packed text; null: as many as there are positions",
    )
    short_length: int = setting(32, at_least=3, at_most=MOST_LENGTH, help="ids of the first updates' sequences")
    short_share: float = setting(0.0, at_least=0, at_most=1, help="share of the updates that take short sequences")
    precision: Precision = setting(Precision.fp32, help="number format; bf16 and fp16 are mixed precision")
    seed: int = setting(0, at_least=0, at_most=LARGEST_SEED, help="of weights, order and masks")


@dataclass(frozen=True)
class ArchSettings:
    """Shape of a model and how random weights are drawn."""

    name: str = setting("", help="how tables call the shape; empty: no architecture of this family is chosen")
    model_type: str = setting("roberta", help="as in Transformers: roberta, roberta-prelayernorm, bloom")
    layers: int = setting(2, at_least=1, at_most=MOST_LAYERS, help="number of transformer layers")
    width: int = setting(64, at_least=1, at_most=MOST_WIDTH, help="of the hidden states")
    heads: int = setting(2, at_least=0, at_most=MOST_WIDTH, help="attention heads a layer; 0: none, without attention")
    feed_forward: int = setting(128, at_least=1, at_most=LARGEST_NUMBER, help="width inside the feed-forward part")
    positions: int = setting(
        62, at_least=3, at_most=MOST_LENGTH, help="ids of the longest sequence, <s> and </s> included"
    )
    vocabulary_size: int | None = setting(
        None, at_least=6, at_most=MOST_ROWS, help="rows of the embedding; null: the tokenizer's size"
    )
    token_types: int = setting(
        1, at_least=1, at_most=MOST_ROWS, help="an encoder's rows for kinds of segments, of which only row 0 is used"
    )
    layer_norm_eps: float = setting(1e-5, above=0, at_most=1, help="added to the variance in layer normalisation")
    init_std: float = setting(0.02, above=0, at_most=LARGEST_RATE, help="standard deviation of random weights")
    dropout: float = setting(0.1, at_least=0, below=1, help="of hidden states")
    attention_dropout: float = setting(0.1, at_least=0, below=1, help="of attention weights")
    pretraining: PretrainingSettings = setting(
        PretrainingSettings(), identity=False, help="how weights are made; they are known by their own digest"
    )


@dataclass(frozen=True)
class TaskSettings:
    """What is learnt, and which validation metric selects the best epoch."""

    name: str = setting("classification", help="classification, qa or language_modelling")
    selection_metric: str = setting("accuracy", help="the validation metric that selects the best epoch")
    greater_is_better: bool = setting(True, help="whether a greater value of it is better")

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

    kind: TokenizerKind | None = setting(
        None, help="trained on the data's own text; null: the given one, else words where the data set says so"
    )
    path: str | None = setting(
        None, identity=False, help="tokenizer.json or a sentencepiece model; null: the model's or the data's own"
    )
    vocabulary_size: int | None = setting(
        None, at_least=6, at_most=MOST_ROWS, help="keep this many pieces, special ones included; null: all"
    )
    count_on: str | None = setting(
        None, identity=False, help="text file that the pieces are counted on; null: the training texts"
    )


@dataclass(frozen=True)
class HuggingFaceSettings:
    """Options of framework=hf."""

    match_fairseq: bool = setting(False, help="freeze the token-type row and decay every parameter, as fairseq does")


class Initialization(StrEnum):
    """Where fairseq's weights come from that are not pretrained."""

    paired = "paired"  # those that framework=hf draws for the same trial
    own = "own"  # fairseq's own, whatever arch.encoder.init_std says


@dataclass(frozen=True)
class FairseqSettings:
    """Options of framework=fairseq."""

    initialization: Initialization = setting(
        Initialization.paired, help="of random weights; paired: those of framework=hf; own: fairseq's"
    )


class TrainedBias(StrEnum):
    """Which biases LoRA trains besides its matrices."""

    none = "none"
    all = "all"
    lora_only = "lora_only"


class AdapterTask(StrEnum):
    """What PEFT adapts a model for."""

    CAUSAL_LM = "CAUSAL_LM"


class ClassifiedBy(StrEnum):
    """How a model under LoRA tells classes."""

    head = "head"
    verbaliser = "verbaliser"


class Quantization(StrEnum):
    """How a frozen base is held in memory."""

    nf4 = "nf4"


@dataclass(frozen=True)
class LoraSettings:
    """Options of framework=lora."""

    r: int = setting(
        16, at_least=1, at_most=MOST_WIDTH, help="rank of the product; the trained parameters grow with it"
    )
    alpha: int = setting(32, at_least=1, at_most=LARGEST_NUMBER, help="scale: the product counts alpha / r times")
    target_modules: tuple[str, ...] | None = setting(
        None,
        help="linear layers that get one, by name or the end of it, or [all-linear]: all of the base model; null:"
        " PEFT's default for the model's type, else all-linear",
    )
    dropout: float = setting(
        0.05, at_least=0, below=1, help="share of the adapter's inputs that is dropped in training"
    )
    bias: TrainedBias = setting(
        TrainedBias.none, help="biases trained as well: none; all; lora_only: those of target_modules"
    )
    task_type: AdapterTask = setting(
        AdapterTask.CAUSAL_LM, help="PEFT's name for what a causal language model is for; with a head: SEQ_CLS"
    )
    classify: ClassifiedBy | None = setting(
        None,
        since=2,
        help="task=classification: by a head, or by how likely each class's verbaliser is as an answer; null:"
        " verbaliser for causal language models, head for encoders",
    )
    use_rslora: bool = setting(False, since=2, help="the product counts alpha / sqrt(r) times (Kalajdzievski 2023)")
    use_dora: bool = setting(False, since=2, help="magnitudes are trained apart from directions (Liu et al. 2024)")
    quantization: Quantization | None = setting(
        None,
        help="nf4: hold the base in 4 bits, doubly quantised (QLoRA); needs a CUDA device and bitsandbytes",
    )
    length_normalised: bool = setting(
        False,
        help="task=classification: a class's score is the log-likelihood of its verbaliser and </s>; true: divided by"
        " the number of their ids",
    )

    def __post_init__(self) -> None:
        if self.target_modules is None:
            return
        object.__setattr__(self, "target_modules", tuple(self.target_modules))  # YAML knows lists only
        if not self.target_modules or not all(self.target_modules):
            raise WrongInput(
                f"framework.lora.target_modules=[{','.join(self.target_modules)}] names no module\n"
                "allowed: names of the model's linear layers, as in [query_key_value]"
            )


@dataclass(frozen=True)
class LanguageModellingSettings:
    """Options of framework=pretraining.

    What neighbours tell is learnt from short sequences in a fraction of the time (Devlin et al. 2019, appendix A.2,
    began with short ones too).
    """

    mask_probability: float = setting(0.3, above=0, below=1, help="share of the pieces that an encoder predicts")
    short_length: int = setting(
        32, at_least=3, at_most=MOST_LENGTH, help="ids of the first updates' sequences; the others: max_length"
    )
    short_share: float = setting(0.0, at_least=0, at_most=1, help="share of the updates that take short sequences")
    evaluations: int = setting(
        20, at_least=1, at_most=MOST_UPDATES, help="on held-out text, evenly spread over the updates"
    )


@dataclass(frozen=True)
class FrameworkSettings:
    """Which adapter trains, and its options."""

    name: str = setting("hf", help="how tables call the framework")
    family: Family = setting(Family.encoder, help="the architecture family that it trains")
    _target_: str = setting("sweeper.frameworks.hf.HuggingFace", help="the adapter's class")
    preload: tuple[str, ...] = setting(
        (), identity=False, help="modules that take long to import; a launcher may import them once for all trials"
    )
    hf: HuggingFaceSettings = HuggingFaceSettings()
    fairseq: FairseqSettings = FairseqSettings()
    lora: LoraSettings = LoraSettings()
    pretraining: LanguageModellingSettings = LanguageModellingSettings()
    options: dict[str, Any] = setting(factory=dict, help="for adapters outside this package")


# The frameworks that have options of their own, as they are ordered in tables: what others are compared with first.
FRAMEWORKS = tuple(item.name for item in fields(FrameworkSettings) if is_dataclass(item.default))


@dataclass(frozen=True)
class TrainSettings:
    """The optimisation. An update is one optimizer step; an epoch one pass over the training examples."""

    epochs: int = setting(5, at_least=1, at_most=MOST_UPDATES, help="passes over the training examples")
    max_steps: int | None = setting(
        None, at_least=1, at_most=MOST_UPDATES, help="stop after this many updates; null: when the epochs are over"
    )
    batch_size: int = setting(
        8, at_least=1, at_most=MOST_EXAMPLES, help="examples a batch; an update takes one, or gradient_accumulation"
    )
    gradient_accumulation: int = setting(
        1,
        at_least=1,
        at_most=MOST_EXAMPLES,
        since=2,
        help="batches of batch_size examples an update; a framework of your own has to do it itself",
    )
    learning_rate: float = setting(1e-3, above=0, at_most=LARGEST_RATE, help="the schedule's peak")
    betas: tuple[float, float] = setting((0.9, 0.98), at_least=0, below=1, help="of Adam")
    eps: float = setting(1e-8, above=0, at_most=1, help="of Adam")
    weight_decay: float = setting(0.01, at_least=0, at_most=LARGEST_RATE, help="of Adam")
    warmup_ratio: float = setting(0.06, at_least=0, at_most=1, help="share of the updates")
    schedule: Schedule = setting(Schedule.linear, help="shape of the learning rate after warm-up")
    polynomial_power: float = setting(2.0, above=0, at_most=LARGEST_RATE, help="of schedule=polynomial")
    max_length: int = setting(62, at_least=3, at_most=MOST_LENGTH, help="ids a text is cut to, <s> and </s> included")
    gradient_clip: float = setting(
        1.0, at_least=0, at_most=LARGEST_NUMBER, help="largest norm of the gradient; 0: no clipping"
    )
    precision: Precision = setting(Precision.fp32, help="number format; bf16 and fp16 are mixed precision")
    eval_batch_size: int = setting(100, at_least=1, at_most=MOST_EXAMPLES, help="examples evaluated at a time")
    threads: int = setting(1, at_least=1, at_most=MOST_THREADS, help="CPU threads of one trial")

    def __post_init__(self) -> None:
        if len(self.betas) != 2:
            raise WrongInput(
                f"train.betas={list(self.betas)} has {len(self.betas)} numbers\nallowed: two, as in [0.9,0.98]"
            )
        object.__setattr__(self, "betas", tuple(self.betas))  # YAML knows lists only

    @property
    def update_size(self) -> int:
        """Number of examples that an update takes; the last one of an epoch may find fewer."""
        return self.batch_size * self.gradient_accumulation


def check_ranges(settings: Any, prefix: str = "") -> None:
    """Raise WrongInput naming the first setting that lies outside its declared range."""
    for item in fields(settings):
        value = getattr(settings, item.name)
        name = f"{prefix}{item.name}"
        if is_dataclass(value):
            check_ranges(value, f"{name}.")
            continue
        for number in value if isinstance(value, tuple) else (value,):
            _check_bounds(name, number, item.metadata.get("bounds", {}))


def _check_bounds(name: str, number: Any, bounds: Mapping[str, float]) -> None:
    """Raise WrongInput for a number that is not finite or breaks one of its bounds."""
    if not isinstance(number, int | float) or isinstance(number, bool):
        return
    if math.isfinite(number) and all(BOUNDS[kind](number, limit) for kind, limit in bounds.items()):
        return
    allowed = " and ".join(f"{kind.replace('_', ' ')} {limit}" for kind, limit in bounds.items())
    raise WrongInput(f"{name}={number} is out of range\nallowed: {allowed or 'a finite number'}")
