"""What Hydra checks a command line against: `sweeper.trial.settings`, put together."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, BooleanNode, DictConfig, Node, OmegaConf
from omegaconf.errors import ValidationError

from sweeper.tracking import TrackingSettings
from sweeper.trial import settings
from sweeper.trial.settings import LARGEST_SEED, setting


@dataclass(frozen=True)
class ArchChoices:
    """An architecture for each family that a sweep's frameworks need."""

    encoder: settings.ArchSettings = settings.ArchSettings()
    causal_lm: settings.ArchSettings = settings.ArchSettings()


@dataclass(frozen=True)
class Config:
    """Everything the command line can set. `data` is checked against the class that its `_target_` names."""

    model: settings.ModelSettings = settings.ModelSettings()
    framework: settings.FrameworkSettings = field(default_factory=settings.FrameworkSettings)
    arch: ArchChoices = ArchChoices()
    task: settings.TaskSettings = settings.TaskSettings()
    data: Any = None
    tokenizer: settings.TokenizerSettings = settings.TokenizerSettings()
    train: settings.TrainSettings = settings.TrainSettings()
    tracking: TrackingSettings = TrackingSettings()
    seed: int = setting(
        1, at_least=0, at_most=LARGEST_SEED, help="of weights, classification head and dropout; 0 is a seed"
    )
    data_seed: int = setting(1, at_least=0, at_most=LARGEST_SEED, help="order of the training examples")
    study: str | None = setting(
        None, help="name of the results under outputs; null: the experiment's name, else the data's"
    )
    fresh: bool = setting(False, help="put earlier trials of this command aside and train anew")
    accept_code: bool = setting(
        False, help="take results of other code of your own, or of code that is not on record, for those of today's"
    )
    predictions: bool = setting(
        True, help="keep what each trial answers to each example at its best epoch, in predictions.npz"
    )
    by: Any = setting(None, help="settings that make groups, as [model,train.learning_rate]; null: all that vary")
    select: Any = setting(None, help="settings whose best value on validation each group is compared at")
    roles: Any = setting(
        None,
        help="what the comparison does with settings: compared, blocks, nuisance or tuned; null: as their kind says",
    )
    primary: Any = setting(None, help="the one comparison that the study is made for, as {model:[pt,rd]}")
    plan: bool = setting(False, help="say what would be done and what it would cost, and do nothing")
    outputs: str = setting("outputs", help="directory of studies, the cache and the MLflow store")


@dataclass(frozen=True)
class PretrainConfig(Config):
    """What `python -m sweeper.pretrain` can set besides."""

    corpus: Any = setting(
        MISSING, help="text files, a text a line, plain, .gz, .xz or .bz2: FILE, 'DIR/*.txt' or [FILE,FILE]"
    )
    out: str = setting(MISSING, help="directory for the weights and their tokenizer, as model.path takes it")


UNSET = "sweeper_default"  # the resolver that stands for a default until a YAML or the command line sets another value
FITTED = ("learning_rate", "max_length")  # settings of train whose default depends on the data


def register() -> None:
    """Give Hydra the schemas, and what the YAML files ask for by `${sweeper_…:}`."""
    schema = writable(OmegaConf.structured(Config))
    for name in FITTED:
        schema.train[name] = f"${{{UNSET}:{name}}}"
    ConfigStore.instance().store(name="schema", node=schema)
    OmegaConf.register_new_resolver(UNSET, lambda name: getattr(settings.TrainSettings(), name), replace=True)
    ConfigStore.instance().store(name="pretrain_schema", node=writable(OmegaConf.structured(PretrainConfig)))
    OmegaConf.register_new_resolver("sweeper_family", only_family, replace=True)
    OmegaConf.register_new_resolver("sweeper_by_family", by_family, replace=True)
    OmegaConf.register_new_resolver("sweeper_length", sequence_length, replace=True)
    OmegaConf.register_new_resolver("sweeper_scratch", _scratch_directory, use_cache=True, replace=True)


def is_unset(config: DictConfig, name: str) -> bool:
    """Whether neither a YAML nor the command line sets a setting of train."""
    train = config.get("train")
    node = train._get_node(name) if isinstance(train, DictConfig) else None
    return isinstance(node, Node) and node._is_interpolation() and UNSET in str(node._value())


def only_family(*, _root_: DictConfig) -> str:
    """Return the family that the chosen architecture is of; an encoder when it has a shape of each."""
    families = [family.value for family in settings.Family if _root_.arch[family.value].name]
    return families[0] if families else settings.Family.encoder.value


def by_family(encoder: Any, causal_lm: Any, *, _root_: DictConfig) -> Any:
    """Return the first value where the chosen framework trains encoders, the second where causal language models."""
    return encoder if _root_.framework.family == settings.Family.encoder else causal_lm


def sequence_length(*, _root_: DictConfig) -> int:
    """Return how long the chosen architecture's recipe packs sequences: as long as there are positions, by default."""
    arch = _root_.arch[_root_.framework.family]
    return int(arch.pretraining.sequence_length or arch.positions)


class TrueOrFalse(BooleanNode):
    """A setting that is true or false; OmegaConf would take 2, yes and on for true as well."""

    def _validate_and_convert_impl(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise ValidationError("Value '$VALUE' is neither true nor false")

    def __deepcopy__(self, memo: dict[int, Any]) -> TrueOrFalse:
        copied = TrueOrFalse()
        self._deepcopy_impl(copied, memo)
        return copied


def writable(node: DictConfig) -> DictConfig:
    """Allow overrides: OmegaConf takes the fields of a frozen dataclass for read-only. Booleans become strict."""
    OmegaConf.set_readonly(node, None)
    if not node._is_none():
        for key in node:
            child = node._get_node(key)
            if isinstance(child, DictConfig):
                writable(child)
            elif isinstance(child, BooleanNode):
                strict = TrueOrFalse(child._value(), key, node, child._is_optional())
                node._content[key] = strict  # type: ignore[index]
    return node


def _scratch_directory() -> str:
    path = tempfile.mkdtemp(prefix="sweeper-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
