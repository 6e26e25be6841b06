"""Models of Transformers that are small enough to be drawn for one test, by the type that config.json says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from sweeper.data.demo import Demo
from sweeper.trial.settings import Family, Head, ModelSettings
from sweeper.trial.trial import Trial
from tests.records import trial

ROWS, PAD, LENGTH = 40, 1, 16
CLASSES = Demo().label_names()
TOKENIZER = SimpleNamespace(pad=PAD, bos=0, eos=2, size=ROWS)
USUAL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": USUAL,
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40},
    "deberta-v2": USUAL | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "xlnet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
    "modernbert": USUAL | {"bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2},
    "albert": USUAL | {"embedding_size": 8},
    "electra": USUAL | {"embedding_size": 8},
    "mpnet": USUAL,
    "convbert": USUAL | {"embedding_size": 16, "conv_kernel_size": 3, "initializer_range": 0.5},
}
CAUSAL_LMS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40},
    "llama": USUAL,
    "opt": USUAL | {"ffn_dim": 32, "word_embed_proj_dim": 16},
    "gpt_neox": USUAL,
    "falcon": USUAL,
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2},
    "qwen2": USUAL | {"num_key_value_heads": 2},
    "gemma": USUAL | {"num_key_value_heads": 1, "head_dim": 8},
}
KINDS = [*ENCODERS, *CAUSAL_LMS]


def draw(
    kind: str, labels: Sequence[str] | None = None, seed: int = 7, body_alone: bool = False, **more: Any
) -> PreTrainedModel:
    """A random model: a classifier with these labels, else a language model, or its body alone."""
    ids = {"pad_token_id": PAD, "bos_token_id": 0, "eos_token_id": 2}
    names = {} if labels is None else {"id2label": dict(enumerate(labels))}
    config = AutoConfig.for_model(kind, vocab_size=ROWS, **ids | (ENCODERS | CAUSAL_LMS)[kind] | names | more)
    language_model = AutoModelForMaskedLM if kind in ENCODERS and kind != "xlnet" else AutoModelForCausalLM
    torch.manual_seed(seed)
    made = (AutoModelForSequenceClassification if labels is not None else language_model).from_config(config)
    return made.base_model if body_alone else made


def write(
    directory: Path, kind: str, dtype: torch.dtype = torch.float32, change: Callable[[Any], Any] = dict, **how: Any
) -> Path:
    """Save a drawn model in some precision, its tensors by name changed before."""
    made = draw(kind, **how).to(dtype)
    made.save_pretrained(directory, state_dict=change(made.state_dict()))
    return directory


def trial_of(
    directory: Path,
    kind: str,
    model: str = "pt",
    framework: str = "hf",
    seed: int = 1,
    head: Head = Head.draw,
    **changes: Any,
) -> Trial:
    """A trial of a model that is built as its config.json says."""
    family = Family.encoder if kind in ENCODERS else Family.causal_lm
    made = trial(model, framework, seed, arch={"model_type": kind, "name": "of_model"}, **changes)
    return replace(
        made,
        data=Demo(limit=24),
        model=ModelSettings(model, model != "rd", str(directory), head),
        framework=replace(made.framework, family=family),
        digests={**made.digests, "config": "c" * 64, "reading": "transformers"},
    )


def batch(model: PreTrainedModel, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Examples as training pads them."""
    from sweeper.frameworks.fine_tuning import classifier_collator

    examples = [{"input_ids": [*ids], "token_type_ids": [0] * len(ids), "labels": n % 2} for n, ids in enumerate(rows)]
    made = classifier_collator(model, ["input_ids", "token_type_ids", "labels"], LENGTH)(examples)
    made.pop("labels")
    return made
