"""A model under an adapter: its frozen base, random or pretrained, with PEFT's LoRA."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from peft.utils import ModulesToSaveWrapper
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    set_seed,
)
from transformers.pytorch_utils import Conv1D

from sweeper.checkpoints.architecture import stated_config, transformers_config
from sweeper.checkpoints.checkpoint import CAUSAL_LMS
from sweeper.checkpoints.parameter_formula import ALL_LINEAR
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED, inputs
from sweeper.frameworks.classifier import (
    OWN_CODE,
    POOLER,
    build_classifier,
    check_language_model,
    in_body,
    layers_beside_body,
)
from sweeper.frameworks.lora.checks import check_names, has_head
from sweeper.records.restore import restored
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.trial.settings import LoraSettings, Precision, Quantization
from sweeper.trial.trial import Trial

BASE = "base.json"  # with an adapter: what its base is known by, where that is drawn anew each time
COMPUTED = {Precision.fp32: torch.float32, Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}
ADAPTER = "lora_"  # in the names of an adapter's parameters
UNDER_PEFT = "base_model.model."  # before a layer's name; without it PEFT takes any layer whose name ends with one


def build(trial: Trial) -> PeftModel:
    """Return the trial's base, frozen, under a new adapter; what is random is drawn from the trial's seed."""
    base = base_model(trial, inputs.tokenizer(trial))
    beside = layers_beside_body(base) if has_head(trial) else []
    if trial.framework.lora.quantization is Quantization.nf4:
        base = quantised(base, trial.train.precision, beside)
    return adapted(base, trial.framework.lora, beside)


def base_model(trial: Trial, tokenizer: Tokenizer) -> PreTrainedModel:
    """Return the trial's base in float32: a classifier where it has a head, else a causal language model."""
    if has_head(trial):
        return build_classifier(trial, tokenizer)
    set_seed(trial.seed)
    config = _base_config(trial, tokenizer)
    if not trial.model.pretrained:
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32, **OWN_CODE)
    directory = inputs.weights(trial)
    model, loaded = AutoModelForCausalLM.from_pretrained(
        directory,
        config=config,
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **OWN_CODE,
    )
    check_language_model(model, directory, loaded)
    return model


def _base_config(trial: Trial, tokenizer: Tokenizer) -> PreTrainedConfig:
    if trial.arch.model_type in CAUSAL_LMS:
        return transformers_config(trial.arch, tokenizer)
    return stated_config(str(trial.weights_path))


def quantised(base: PreTrainedModel, precision: Precision, beside: Sequence[str] = ()) -> PreTrainedModel:
    """Return a base with its linear layers in 4 bits, on the GPU (Dettmers et al. 2023: NF4, doubly quantised).

    The layers `beside` its body are trained themselves, and stay as they are.
    """
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=COMPUTED[precision],
        llm_int8_skip_modules=list(beside) or None,  # of 4 bits too, whatever it is called
    )
    with TemporaryDirectory() as place:  # the library quantises while it loads
        base.save_pretrained(place)
        loaded = type(base).from_pretrained(place, quantization_config=settings, device_map={"": 0})
    loaded.name_or_path = base.name_or_path
    return prepare_model_for_kbit_training(loaded, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]


def adapted(base: PreTrainedModel, settings: LoraSettings, beside: Sequence[str] = ()) -> PeftModel:
    """Freeze a base and add an adapter to its target modules; the layers `beside` its body are trained as they are.

    Raises WrongInput for modules that it lacks.
    """
    targets = _targets(base, settings, beside)
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        target_modules=targets,
        lora_dropout=settings.dropout,
        bias=settings.bias.value,
        task_type="SEQ_CLS" if beside else settings.task_type.value,
        modules_to_save=[f"{UNDER_PEFT}{name}" for name in beside] or None,
        use_rslora=settings.use_rslora,
        use_dora=settings.use_dora,
        fan_in_fan_out=_is_transposed(base, targets),
    )
    try:
        with _unwarned_of_checkpointing():
            model = get_peft_model(base, config)
    except ValueError as error:  # of experts that share a tensor, which PEFT adapts without dropout only
        kind, said = base.config.model_type, str(error).partition("\n")[0]
        remedy = (
            "set framework.lora.dropout=0"
            if "dropout" in said
            else "set framework.lora.target_modules=[NAME,…] to others of its linear layers"
        )
        raise WrongInput(
            f"framework.lora: PEFT does not adapt model_type={kind} as wanted: {said}\n{remedy}"
        ) from error
    for module in model.modules():
        if isinstance(module, ModulesToSaveWrapper):
            module.original_module = nn.Identity()  # PEFT's copy for models without their adapter
    return model


def _targets(base: PreTrainedModel, settings: LoraSettings, beside: Sequence[str]) -> list[str]:
    """Return the names of the layers that get an adapter, as short as they were given where they mean no others."""
    layers = list(linear_layers(base))
    body = [name for name in layers if in_body(base, name) and POOLER not in name.split(".")]
    if not body:
        raise WrongInput(f"framework=lora: a {base.config.model_type} has no linear layers that PEFT adapts")
    given = settings.target_modules or _default_targets(base.config.model_type)
    if given == (ALL_LINEAR,):
        return body
    # The head of a causal language model can be named; what is trained itself gets no adapter.
    allowed = body if beside else layers
    check_names(given, allowed, base.config.model_type)
    meant = [name for name, _ in base.named_modules() if _is_meant(name, given)]
    return list(given) if set(meant) <= set(allowed) else [name for name in meant if name in allowed]


def _is_transposed(base: PreTrainedModel, targets: Sequence[str]) -> bool:
    """Whether the target modules hold their weights as GPT-2 does, inputs first; PEFT says so where it is not told."""
    meant = [module for name, module in base.named_modules() if _is_meant(name, targets)]
    return bool(meant) and all(isinstance(module, Conv1D) for module in meant)


def _is_meant(name: str, targets: Sequence[str]) -> bool:
    return any(name == target or name.endswith(f".{target}") for target in targets)


def _default_targets(model_type: str) -> tuple[str, ...]:
    known = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(model_type)
    return tuple(known) if isinstance(known, list) else (ALL_LINEAR,)


@contextmanager
def _unwarned_of_checkpointing() -> Iterator[None]:
    """Suppress a warning that is not for users: PEFT asks Transformers by a name that is going out of use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        yield


def linear_layers(base: PreTrainedModel) -> Iterator[str]:
    """Yield the names of the layers that can get an adapter; a head that is the embedding as well cannot."""
    embedding = base.get_input_embeddings().weight
    for name, module in base.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module.weight is not embedding:
            yield name


def export(directory: Path, destination: Path) -> Tokenizer:
    """Write a trial's base with its best adapter merged into it, in float32, and the tokenizer, which is returned.

    A random base is drawn again; raises WrongInput where that makes another one than the adapter was trained on.
    """
    trial, best = restored(directory, ALLOWED), directory / "best"
    tokenizer = inputs.tokenizer(trial) if "reading" in trial.digests else load(best)
    with torch.random.fork_rng():
        base = base_model(trial, tokenizer)
    _check_base(base, best)
    with _unwarned_of_checkpointing():
        model = PeftModel.from_pretrained(base, best)
    model.merge_and_unload().save_pretrained(destination)
    tokenizer.save(destination)
    return tokenizer


def base_facts(model: nn.Module) -> str:
    """Return what tells a base from others, as JSON: a digest of its parameters, whether under an adapter or not."""
    total = hashlib.sha256()
    for name, value in model.named_parameters():
        if ADAPTER not in name:
            total.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return json.dumps({"parameters": total.hexdigest()}) + "\n"


def base_files(trial: Trial, model: PeftModel, best: Path) -> dict[str, str]:
    """Return what an adapter's directory tells of its base: something of one that is made, nothing of a given one.

    Raises WrongInput where an earlier launch's adapter in `best` belongs to another base.
    """
    if trial.model.pretrained and trial.weights_path is not None:
        return {}
    _check_base(model, best)
    return {BASE: base_facts(model)}


def _check_base(model: nn.Module, best: Path) -> None:
    known = best / BASE
    if known.exists() and known.read_text(encoding="utf-8") != base_facts(model):
        raise WrongInput(
            f"{best} belongs to a random base that this machine does not draw again\n"
            "needed: the versions of torch and transformers, and the kind of machine, in trial.json"
        )
