"""The sources of a trial: configuration files, architecture, weights, tokenizer, and digests of their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeper.checkpoints.checkpoint import PREFIXES, Checkpoint
from sweeper.checkpoints.fairseq_directory import is_fairseq
from sweeper.checkpoints.hub import locate
from sweeper.checkpoints.identity import config_digest, data_digests, recipe_digest, weights_digest
from sweeper.checkpoints.model_types import known_type
from sweeper.checkpoints.parameter_formula import ALL_LINEAR
from sweeper.checkpoints.weights import TRAINERS, check_belongs, check_order, check_padding
from sweeper.config.checks import check_arch
from sweeper.config.schema import Config
from sweeper.data import DataSource
from sweeper.data.limits import chosen_otherwise
from sweeper.data.verbalisers import verbalisers
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.records.own_code import code_digests
from sweeper.tokens.segmenters import REQUIRED, special_pieces
from sweeper.tokens.tokenizer import has_vocabulary, list_of_pieces, tokenizer_file, tokenizer_files
from sweeper.tokens.vocabulary import check_vocabulary, piece_ids
from sweeper.trial.mends import mended
from sweeper.trial.settings import ArchSettings, Family, FrameworkSettings, Head, TokenizerSettings
from sweeper.trial.trial import CLUSTERS, digest

DEFAULT_ARCH = "tiny"  # of conf/config.yaml
OF_MODEL = "of_model"  # the choice of arch that takes the shape of model.path, setting by setting
BLOOM_ADAPTED = ("query_key_value",)  # the default of version 0.1.0, which stays in the ids of other frameworks
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


def chosen_framework(values: Config, checkpoint: Checkpoint | None) -> FrameworkSettings:
    """Return the framework with the family that it trains, and LoRA's layers, as they are for this model.

    With one model.path the family is the model's own. What LoRA adapts is decided here, since it makes another trial.
    """
    framework = values.framework
    if checkpoint is not None and isinstance(values.model.path, str):
        framework = replace(framework, family=checkpoint.family)
    if framework.lora.target_modules is None:
        family: ArchSettings = getattr(values.arch, framework.family.value)
        named = checkpoint.model_type if checkpoint is not None else family.model_type
        adapted = known_type(named).adapted if framework.name == "lora" else BLOOM_ADAPTED
        framework = replace(framework, lora=replace(framework.lora, target_modules=tuple(adapted or (ALL_LINEAR,))))
    return framework


def fitting_arch(values: Config, checkpoint: Checkpoint | None, choices: Mapping[str, str | None]) -> bool:
    """Whether the shape of model.path is to be taken, since the command names none and the default's is another."""
    if checkpoint is None or choices["arch"] == OF_MODEL:
        return False
    arch: ArchSettings = getattr(values.arch, values.framework.family.value)
    shape = checkpoint.shape()
    return any(getattr(arch, name) not in (None, value) for name, value in shape.items())


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
        return str(tokenizer_file(expanded("tokenizer.path", tokenizer.path)))
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


def read_by_transformers(values: Config, checkpoint: Checkpoint | None, *, head: bool) -> bool:
    """Whether Transformers reads the tokenizer: that of a model whose ids Sweeper's own reading does not know.

    Its own are RoBERTa's kind, as far as the special pieces have their names, and causal language models that answer in
    words; `head`: the model classifies by one.
    """
    if checkpoint is None:
        return False
    path = _given_tokenizer(values.tokenizer) or checkpoint.directory
    try:
        file = tokenizer_file(path)
        named = piece_ids(file)
    except WrongInput:
        # fairseq's ids are those of its dict.txt, of which Transformers knows nothing
        return checkpoint.is_built_by_config or (path.is_dir() and not is_fairseq(checkpoint.directory))
    if checkpoint.family is Family.causal_lm:
        alone = file.suffix == ".model" and list_of_pieces(file) is None
        return head or alone or not set(REQUIRED) <= special_pieces(file, named).keys()
    if checkpoint.is_built_by_config:
        return True
    if list_of_pieces(file) is not None:
        return False
    if checkpoint.model_type == "camembert" and file.suffix == ".model":
        return True  # its ids are not XLM-R's, which Sweeper's reading would give
    return path.is_dir() and not set(REQUIRED) <= set(named)


def _given_tokenizer(tokenizer: TokenizerSettings) -> Path | None:
    return None if tokenizer.path is None else expanded("tokenizer.path", tokenizer.path)


def transformers_tokenizer(tokenizer: TokenizerSettings, checkpoint: Checkpoint) -> str:
    """Return the directory that Transformers reads the tokenizer from. Raises WrongInput where it would find none."""
    given = _given_tokenizer(tokenizer) or checkpoint.directory
    directory = given if given.is_dir() else given.parent
    if tokenizer.kind is not None or tokenizer.vocabulary_size is not None:
        name = "kind" if tokenizer.kind is not None else "vocabulary_size"
        checkpoint.refuse(
            f" keeps its tokenizer, whole: tokenizer.{name} would make another one\nleave out tokenizer.{name}"
        )
    if not has_vocabulary(directory):
        checkpoint.refuse(
            f": no tokenizer lies in {directory}\nneeded there: tokenizer.json, vocab.txt, vocab.json and merges.txt,"
            " or a sentencepiece *.model\nor set tokenizer.path=DIR"
        )
    if tokenizer.path is not None and has_vocabulary(checkpoint.directory) and directory != checkpoint.directory:
        own, other = (
            {file.name: file.read_bytes() for file in tokenizer_files(d)} for d in (checkpoint.directory, directory)
        )
        if own != other:
            checkpoint.refuse(f": tokenizer {directory} is not the one beside the weights\nleave out tokenizer.path")
    return str(directory)


def check_tokenizer(
    values: Config, tokenizer: TokenizerSettings, arch: ArchSettings, checkpoint: Checkpoint | None
) -> None:
    """Raise WrongInput for a tokenizer that does not fit the model, as far as that is known before it is loaded."""
    family = values.framework.family
    pretrains = values.task.is_language_modelling or (values.model.pretrained and checkpoint is None)
    if checkpoint is not None and values.model.pretrained:
        check_belongs(tokenizer, checkpoint)
    check_vocabulary(tokenizer, arch.vocabulary_size, pretrains and family is Family.encoder, family)
    if checkpoint is not None and values.model.pretrained:
        check_order(tokenizer, checkpoint)
        if family is Family.encoder:
            check_padding(tokenizer, checkpoint)


def digests(
    values: Config,
    source: DataSource,
    tokenizer: TokenizerSettings,
    arch: ArchSettings,
    checkpoint: Checkpoint | None,
    *,
    head: bool,
    by_transformers: bool,
) -> dict[str, str]:
    """Name the content of a trial's data, tokenizer and pretrained weights, and of the user's own code that it runs."""
    answers = None if head else prompted_answers(values, source)
    read_with = checkpoint.config if checkpoint is not None and by_transformers else None
    named = data_digests(source, tokenizer, answers, read_with=read_with)
    if clusters := source.cluster_digest():
        named[CLUSTERS] = clusters
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
    otherwise = not values.task.is_language_modelling and chosen_otherwise(source)
    mends = [*_mends(values, checkpoint, head=head), *(["limit"] if otherwise else [])]
    return named | mended(*mends) | code_digests(values.framework._target_, type(source))


def _mends(values: Config, checkpoint: Checkpoint | None, *, head: bool) -> list[str]:
    """Name what version 0.1.0 made otherwise of a model, so that its results do not answer for today's.

    Of given weights it took a classification head along whatever the seed, and trained in the precision that the file
    has; the random twin of a causal language model it drew in the precision that config.json names.
    """
    found: list[str] = []
    if checkpoint is None:
        return found
    if not values.model.pretrained:
        in_words = values.framework.name == "lora" and values.framework.family is Family.causal_lm and not head
        drawn_in_half = in_words and checkpoint.is_built_by_config and checkpoint.says_half_precision
        return ["precision"] if drawn_in_half else found
    built = {"hf", "fairseq"} & {values.framework.name}
    if built and values.model.head is Head.draw and not checkpoint.is_built_by_config and checkpoint.has_head():
        found.append("head")
    if (built or values.task.is_language_modelling) and checkpoint.is_half_precision():
        found.append("precision")
    return found


def prompted_answers(values: Config, source: DataSource) -> tuple[str, ...] | None:
    """Return the answers in the prompts that a causal model's tokenizer is made of; None where it reads no prompts."""
    if values.framework.family is not Family.causal_lm or values.task.is_language_modelling:
        return None
    return verbalisers(source) if values.task.name == source.task == "classification" else ()
