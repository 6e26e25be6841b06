"""The sources of a trial: configuration files, architecture, weights, tokenizer, and digests of their content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.checkpoints.checkpoint import PREFIXES, Checkpoint
from sweeper.checkpoints.hub import locate
from sweeper.checkpoints.identity import config_digest, data_digests, recipe_digest, weights_digest
from sweeper.checkpoints.weights import TRAINERS, check_belongs, check_order, check_padding
from sweeper.config.checks import check_arch
from sweeper.config.schema import Config
from sweeper.data import DataSource
from sweeper.data.verbalisers import verbalisers
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import tokenizer_file
from sweeper.tokens.vocabulary import check_vocabulary
from sweeper.trial.settings import ArchSettings, Family, TokenizerSettings
from sweeper.trial.trial import digest

OF_MODEL = "of_model"  # the choice of arch that takes the shape of model.path, setting by setting
PACKAGE = Path(__file__).resolve().parents[1]
# A wheel has them inside the package.
CONFIG_DIRECTORY = next(place for place in (PACKAGE / "conf", PACKAGE.parent / "conf") if place.is_dir())


def chosen_arch(values: Config, choices: Mapping[str, str | None]) -> ArchSettings:
    """Return the architecture of the family that the framework trains."""
    family = values.framework.family
    arch: ArchSettings = getattr(values.arch, family.value)
    if not arch.name:
        needed = (
            "a model.path of that family" if choices["arch"] == OF_MODEL else f"an arch whose YAML has {family.value}:"
        )
        others = [other for other in Family if getattr(values.arch, other.value).name]
        needed += f"; or framework={TRAINERS[others[0]]}" if others else ""
        raise WrongInput(
            f"framework={values.framework.name} needs an architecture of the family {family.value}, "
            f"which arch={choices['arch']} lacks\nallowed: {needed}"
        )
    if arch.model_type in PREFIXES:  # others are built as their config.json says
        check_arch(arch, family)
    return arch


def chosen_checkpoint(values: Config) -> Checkpoint | None:
    """Return what model.path names for the framework's family; None where weights and tokenizer come from elsewhere."""
    path = _path_of(values.model.path, values.framework.family)
    return None if path is None else locate(path, weights=values.model.pretrained)


def setting_of_model(name: str, *, _parent_: Any, _root_: Mapping[str, Any]) -> Any:
    """Return, for arch=of_model, a setting of the checkpoint that model.path names for the family above the setting.

    The family has no name when the checkpoint is of another one. Raises WrongInput when model.path names none at all.
    """
    family = Family(_parent_._key())
    path = _root_["model"]["path"]
    if path is None:
        raise WrongInput(
            "arch=of_model is the shape of model.path, which is not given\n"
            "set model.path=DIR or model.path=OWNER/OF_MODEL, or another arch"
        )
    own = _path_of(path, family)
    checkpoint = None if own is None else locate(own, weights=bool(_root_["model"]["pretrained"]))
    if checkpoint is None or checkpoint.family is not family:
        return "" if name == "name" else getattr(ArchSettings(), name)
    return OF_MODEL if name == "name" else checkpoint.settings().get(name, getattr(ArchSettings(), name))


def _path_of(path: Any, family: Family) -> str | None:
    if isinstance(path, Mapping):
        unknown = sorted(set(path) - {member.value for member in Family})
        if unknown:
            raise WrongInput(f"model.path has the unknown family {unknown[0]!r}\nallowed: encoder, causal_lm")
        path = path.get(family.value)
    if path is not None and not isinstance(path, str):
        raise WrongInput(
            f"model.path={path!r} is no path\nallowed: DIR, a hub name, or {{encoder: DIR, causal_lm: DIR}}"
        )
    return path


def tokenizer_path(tokenizer: TokenizerSettings, checkpoint: Checkpoint | None, source: DataSource) -> str | None:
    """Return where the tokenizer comes from: as told, else beside the weights, else beside the data; None: trained."""
    if tokenizer.path is not None:
        return str(tokenizer_file(Path(tokenizer.path)))
    if checkpoint is not None:
        if tokenizer.kind is not None:
            checkpoint.refuse(
                f" brings its tokenizer, and tokenizer.kind={tokenizer.kind} would train another one\n"
                "leave out tokenizer.kind, or model.path"
            )
        return str(tokenizer_file(checkpoint.directory))
    if tokenizer.kind is not None:
        return None
    found = source.tokenizer_path()
    if found is None and not source.words_are_tokens:
        raise WrongInput(
            "no tokenizer is given, and none lies beside the data or the weights\nset tokenizer.path=FILE, or"
            " tokenizer.kind=unigram tokenizer.vocabulary_size=8000 to train one on the training texts"
        )
    return None if found is None else str(found)


def check_tokenizer(
    values: Config, tokenizer: TokenizerSettings, arch: ArchSettings, checkpoint: Checkpoint | None
) -> None:
    """Raise WrongInput for a tokenizer that does not fit the model, as far as that is known before it is loaded."""
    family = values.framework.family
    if checkpoint is not None and values.model.pretrained:
        check_belongs(tokenizer, checkpoint)
        check_order(tokenizer, checkpoint)
        if family is Family.encoder:
            check_padding(tokenizer, checkpoint)
    pretrains = values.task.is_language_modelling or (values.model.pretrained and checkpoint is None)
    check_vocabulary(tokenizer, arch.vocabulary_size, pretrains and family is Family.encoder, family)


def digests(
    values: Config,
    source: DataSource,
    tokenizer: TokenizerSettings,
    arch: ArchSettings,
    checkpoint: Checkpoint | None,
) -> dict[str, str]:
    """Name the content of a trial's data, tokenizer and pretrained weights."""
    answers = prompted_answers(values, source)
    named = data_digests(source, tokenizer, answers)
    if answers:
        named["verbalisers"] = digest(answers)
    if checkpoint is not None and arch.model_type not in PREFIXES:
        named["config"] = config_digest(checkpoint)
    if values.model.pretrained:
        named["weights"] = (
            recipe_digest(arch, named["data"], named["tokenizer"], values.train.threads)
            if checkpoint is None
            else weights_digest(checkpoint)
        )
    return named


def prompted_answers(values: Config, source: DataSource) -> tuple[str, ...] | None:
    """Return the answers in the prompts that a causal model's tokenizer is made of; None where it reads no prompts."""
    if values.framework.family is not Family.causal_lm or values.task.is_language_modelling:
        return None
    return verbalisers(source) if values.task.name == source.task == "classification" else ()
