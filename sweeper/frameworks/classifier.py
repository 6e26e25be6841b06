"""A sequence classifier of Transformers: its body pretrained or random, its head drawn from the trial's seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel, set_seed

from sweeper.checkpoints.architecture import stated_config, transformers_config
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.classifier_checks import check_kept_names, check_single_stack
from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial import Trial
from sweeper.trial.settings import Head

# Parts of the paths of layers that exist in classifiers only; outside the body.
HEAD = frozenset({"classifier", "score", "out_proj", "logits_proj", "pre_classifier", "summary"})
POOLER = "pooler"  # BERT's and ALBERT's is inside the body; masked language models are saved without it
# How the names of heads begin that predict words or other pieces of a text; a classifier has none of them.
LANGUAGE_MODEL_HEAD = re.compile(
    r"(?:cls|lm_head|lm_loss|embed_out|pred_layer|predictions|sop_classifier|vocab_transform|vocab_layer_norm"
    r"|vocab_projector|entity_predictions|generator_\w+|discriminator_predictions|lm_predictions|mask_predictions)\."
    r"|decoder\.(?:weight|bias)$"  # ModernBERT's; OPT's body has a part of this name
)
OWN_CODE: dict[str, Any] = {"trust_remote_code": False}  # of the library; what lies with a model is never run
DRAWN = "sweeper_drawn"  # the attribute of a model that holds the names of what the seed drew
NAMED = 5  # parameters that a refusal names


def build_classifier(trial: Trial, tokenizer: Tokenizer | None = None) -> PreTrainedModel:
    """Return a sequence classifier in float32: of today's shape settings, or as the model's config.json says.

    Its head is drawn from the seed, but for model.head=keep; so is what of a pooler or prediction head the weights
    lack. Raises WrongInput for weights that lack anything else, or hold what the model does not know.
    """
    config = _config(trial, tokenizer or inputs.tokenizer(trial))
    set_seed(trial.seed)
    if not trial.model.pretrained:
        model = _of_auto_class(AutoModelForSequenceClassification.from_config, config, dtype=torch.float32, **OWN_CODE)
        names = [name for name, _ in model.named_parameters()]
        setattr(model, DRAWN, tuple(name for name in names if _may_be_drawn(model, name)))
        return model
    directory = inputs.weights(trial)
    kept = trial.model.head is Head.keep
    if kept:
        check_kept_names(directory, stated_config(directory).id2label, trial.data.label_names())
    model, found = _of_auto_class(
        AutoModelForSequenceClassification.from_pretrained,
        directory,
        config=config,
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **OWN_CODE,
    )
    missing = set(found["missing_keys"])
    _check_loaded(model, directory, missing, found["unexpected_keys"], found["mismatched_keys"], kept)
    names = [name for name, _ in model.named_parameters()]
    drawn = [name for name in names if name in missing or (not kept and is_head(model, name))]
    _draw(model, drawn, trial.seed)
    setattr(model, DRAWN, tuple(drawn))
    _tell(model, names, drawn)
    return model


def drawn_parameters(model: PreTrainedModel) -> tuple[str, ...]:
    """Return the names of the parameters of a classifier that the seed drew; of a random one those beside its body."""
    drawn: tuple[str, ...] = getattr(model, DRAWN)
    return drawn


def is_head(model: PreTrainedModel, name: str) -> bool:
    """Whether a parameter belongs to the layers that exist in classifiers only."""
    return not in_body(model, name) and not HEAD.isdisjoint(name.split("."))


def in_body(model: PreTrainedModel, name: str) -> bool:
    """Whether a parameter or layer belongs to the base model."""
    return name.startswith(f"{model.base_model_prefix}.") or model.base_model is model


def _may_be_drawn(model: PreTrainedModel, name: str) -> bool:
    return not in_body(model, name) or POOLER in name.split(".")


def _of_auto_class(make: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    try:
        return make(*args, **settings)
    except ValueError as error:
        if "Unrecognized configuration class" not in str(error):
            raise
        config = settings.get("config", args[0])
        raise WrongInput(
            f"Transformers has no classifier of model_type={config.model_type}\n"
            "needed: a model that AutoModelForSequenceClassification loads"
        ) from error


def _config(trial: Trial, tokenizer: Tokenizer) -> PreTrainedConfig:
    labels = trial.data.label_names()
    if "config" not in trial.digests:
        return transformers_config(trial.arch, tokenizer, labels=labels)
    config = stated_config(
        str(trial.weights_path),
        id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
        # What a config.json may say of how the model was used; another loss, and outputs that nobody reads here.
        problem_type=None,
        output_hidden_states=False,
        output_attentions=False,
        return_dict=True,
    )
    check_single_stack(trial, config.is_encoder_decoder)
    text = config.get_text_config()
    pad = getattr(text, "pad_token_id", None)
    if pad is None or pad < 0:
        config.pad_token_id = text.pad_token_id = tokenizer.pad
    return config


def _check_loaded(
    model: PreTrainedModel,
    directory: str,
    missing: Collection[str],
    unexpected: Iterable[str],
    mismatched: Iterable[tuple[Any, ...]],
    kept: bool,
) -> None:
    """Raise WrongInput for weights whose body is not the model's, or whose head is wanted and is not there."""
    refused = f"model.path={directory}"
    extents = {name: (list(stored), list(wanted)) for name, stored, wanted in mismatched}
    lacking = sorted(name for name in missing if name not in extents)
    if absent := [name for name in lacking if not _may_be_drawn(model, name)]:
        raise WrongInput(f"{refused} lacks {_some(absent)}\nneeded: all weights of a {model.config.model_type}")
    for name, (stored, wanted) in extents.items():
        if kept or not is_head(model, name):
            raise _of_another_size(refused, name, stored, wanted)
    if kept and (absent := [name for name in lacking if is_head(model, name)]):
        raise WrongInput(f"{refused} has no trained head: it lacks {_some(absent)}\nset model.head=draw")
    body = {name for name, _ in model.base_model.named_children()}
    if unknown := sorted(name for name in unexpected if not _is_ignored(model, body, name, kept)):
        raise WrongInput(
            f"{refused} holds {_some(unknown)}, which a {model.config.model_type} does not have\n"
            "needed: its weights alone; heads of language models are left out"
        )


def _of_another_size(refused: str, name: str, stored: list[int], wanted: list[int]) -> WrongInput:
    return WrongInput(f"{refused}: {name} is {stored} in its weights, {wanted} by its config.json")


def _is_ignored(model: PreTrainedModel, body: Collection[str], name: str, kept: bool) -> bool:
    """Whether a checkpoint may hold what the model has not: poolers, other heads, and numbers of positions."""
    parts = name.split(".")
    if POOLER in parts or parts[-1] == "position_ids":
        return True
    if in_body(model, name) or (parts[0] in body and not LANGUAGE_MODEL_HEAD.match(name)):
        return False
    return bool(LANGUAGE_MODEL_HEAD.match(name)) or (not kept and not HEAD.isdisjoint(parts))


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(list(names)[:NAMED]) + more


def _draw(model: PreTrainedModel, names: Collection[str], seed: int) -> None:
    """Draw parameters anew, from a seed and as the model initialises them; nothing else of it changes."""
    # Transformers leaves alone what has this mark, tensors and whole modules.
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        tensor._is_hf_initialized = name not in names
    for name, module in model.named_modules():
        module._is_hf_initialized = not any(drawn.startswith(f"{name}." if name else "") for drawn in names)
    set_seed(seed)
    model.initialize_weights()


def _tell(model: PreTrainedModel, names: Iterable[str], drawn: Collection[str]) -> None:
    """Print what of a head or pooler is drawn from the seed, and what the checkpoint brings."""
    layers = dict.fromkeys((_outermost(model, name), name in drawn) for name in names if _may_be_drawn(model, name))
    for layer, random in layers:
        print(f"{layer} is drawn from the seed." if random else f"{layer} is the checkpoint's.", flush=True)


def layers_beside_body(model: PreTrainedModel) -> list[str]:
    """Return the outermost layers of a classifier beside its body, poolers included."""
    names = (name for name, _ in model.named_parameters())
    return list(dict.fromkeys(_outermost(model, name) for name in names if _may_be_drawn(model, name)))


def _outermost(model: PreTrainedModel, name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[: parts.index(POOLER) + 1]) if in_body(model, name) else parts[0]


def check_language_model(model: PreTrainedModel, directory: str, found: Mapping[str, Any]) -> None:
    """Raise WrongInput for weights that are not a causal language model's own, but for heads and poolers of others.

    What is missing would be random, and the trial no pretrained one; what is not read made another function.
    """
    for name, stored, wanted in found["mismatched_keys"]:
        raise _of_another_size(f"model.path={directory}", name, list(stored), list(wanted))
    if lacking := sorted(found["missing_keys"]):
        raise WrongInput(
            f"model.path={directory} lacks {_some(lacking)}\nneeded: all weights of its causal language model"
        )
    unknown = [name for name in sorted(found["unexpected_keys"]) if not _is_of_classifier(model, name)]
    if unknown:
        raise WrongInput(
            f"model.path={directory} holds {_some(unknown)}, which a {model.config.model_type} does not have\n"
            "needed: its weights alone, and a config.json that is theirs"
        )


def _is_of_classifier(model: PreTrainedModel, name: str) -> bool:
    parts = name.split(".")
    head = not in_body(model, name) and not HEAD.isdisjoint(parts)
    return head or POOLER in parts or parts[-1] == "position_ids"
