"""A model that is built as its config.json says, built once before its trials: are its weights whole, what it reads."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sweeper.checkpoints.weight_files import tensor_shapes, weight_files
from sweeper.errors import WrongInput, first_line
from sweeper.frameworks import inputs
from sweeper.records.files import cached
from sweeper.trial import Trial
from sweeper.trial.settings import Family

# Built in float32 where the sweep is started, which may be a login node; trials check larger models themselves.
LARGEST_BYTES = 4 * 2**30
BYTES_A_PARAMETER = 4
EXAMPLES = 8  # texts that a classifier is tried on
SAME = 1e-7


def check_model(trial: Trial) -> None:
    """Raise WrongInput for weights that are not the model's, and for a train.max_length that it cannot read."""
    if inputs.is_checked(trial):
        cached(inputs.checked_directory(trial), partial(_check, trial))


def _check(trial: Trial, directory: Path) -> None:
    size = _bytes(trial)
    if size <= LARGEST_BYTES:
        model = _built(trial).eval()
        _check_length(trial, model)
        if not trial.reads_prompts:
            _check_scores(trial, model)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "checked.json").write_text(json.dumps({"bytes": size, "built": size <= LARGEST_BYTES}) + "\n")


def _bytes(trial: Trial) -> int:
    directory = Path(str(trial.weights_path))
    held = tensor_shapes(directory) if weight_files(directory) else {}
    return BYTES_A_PARAMETER * sum(math.prod(extents) for extents in held.values())


def _built(trial: Trial) -> Any:
    """Return the model as the trial would have it, but not in 4 bits, for which it takes a GPU."""
    if trial.framework.name == "lora":
        from sweeper.frameworks.lora.model import build

        return build(
            replace(trial, framework=replace(trial.framework, lora=replace(trial.framework.lora, quantization=None)))
        )
    from sweeper.frameworks.classifier import build_classifier

    return build_classifier(trial)


def _check_scores(trial: Trial, model: Any) -> None:
    """Raise WrongInput for a classifier that cannot read these texts, or gives all of them the same scores."""
    import torch

    from sweeper.frameworks.fine_tuning import classifier_collator

    train = inputs.tokenized(trial)["train"]
    base = model.get_base_model() if trial.framework.name == "lora" else model
    collator = classifier_collator(base, train.column_names, trial.train.max_length)
    batch = collator([*train.select(range(min(EXAMPLES, len(train))))])
    batch.pop("labels")
    named = f"model.path={trial.weights_path}"
    try:
        with torch.no_grad():
            scores = model(**batch).logits.float()
    except (IndexError, RuntimeError) as error:
        said = first_line(error)[:200]
        raise WrongInput(f"{named}: a {trial.arch.model_type} reads no batch of these texts: {said}") from error
    differ = bool((batch["input_ids"] != batch["input_ids"][0]).any())
    spread = float((scores - scores[0]).abs().max())
    if trial.framework.family is Family.causal_lm and differ and spread <= SAME * float(scores.abs().max()):
        raise WrongInput(
            f"{named}: its classifier gives every text the same scores: it reads the first position, which sees nothing"
            " of what follows\nneeded: an encoder, without is_decoder in config.json; or framework=lora"
            " framework.lora.classify=verbaliser"
        )


def _check_length(trial: Trial, model: Any) -> None:
    """Read a text of train.max_length ids; config.json says in many ways, or not at all, how long one may be."""
    wanted = trial.train.max_length
    said = _why_unreadable(trial, model, wanted)
    if not said:
        return
    readable, unreadable = 0, wanted
    while unreadable - readable > 1:
        middle = (readable + unreadable) // 2
        if _why_unreadable(trial, model, middle):
            unreadable = middle
        else:
            readable = middle
    named = f"model.path={trial.weights_path}"
    if not readable:
        raise WrongInput(f"{named}: a {trial.arch.model_type} reads no text here: {said}")
    raise WrongInput(
        f"train.max_length={wanted} is more than {named} reads\nallowed: at most {readable}\n"
        f"set train.max_length={readable}"
    )


def _why_unreadable(trial: Trial, model: Any, length: int) -> str:
    """Return the model's error on a text of so many ids; empty where it reads it."""
    import torch

    tokenizer = inputs.tokenizer(trial)
    index = next(index for index in range(tokenizer.size) if index != tokenizer.pad)
    ids = torch.full((1, length), index)
    try:
        with torch.no_grad():
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    except (IndexError, RuntimeError) as error:
        return first_line(error)[:200]
    return ""
