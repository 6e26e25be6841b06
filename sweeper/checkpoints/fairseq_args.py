"""fairseq's arguments of a RoBERTa in the words of Transformers' config.json, and back. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from sweeper.checkpoints.fairseq_names import PAD, PRE_NORM

LAYER_NORM_EPS = 1e-5  # PyTorch's default, which fairseq has no argument for
# fairseq's argument -> the architecture's setting, its name in config.json, and fairseq's default.
SHAPE = {
    "encoder_layers": ("layers", "num_hidden_layers", 12),
    "encoder_embed_dim": ("width", "hidden_size", 768),
    "encoder_ffn_embed_dim": ("feed_forward", "intermediate_size", 3072),
    "encoder_attention_heads": ("heads", "num_attention_heads", 12),
    "dropout": ("dropout", "hidden_dropout_prob", 0.1),
    "attention_dropout": ("attention_dropout", "attention_probs_dropout_prob", 0.1),
}
# Architectures that are RobertaModel, and their defaults where they have others.
ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "roberta": {},
    "roberta_base": {},
    "roberta_large": {"encoder_layers": 24, "encoder_embed_dim": 1024, "encoder_ffn_embed_dim": 4096}
    | {"encoder_attention_heads": 16},
    "roberta_prenorm": {"layernorm_embedding": False, "encoder_normalize_before": True},
    "xlm": {"encoder_layers": 16, "encoder_embed_dim": 1280, "encoder_ffn_embed_dim": 5120}
    | {"encoder_attention_heads": 16},
}
# What Transformers' model is; another value would make another function of the weights, or leave some out.
FIXED = {
    "activation_fn": "gelu",
    "pooler_activation_fn": "tanh",
    "layernorm_embedding": True,
    "encoder_learned_pos": True,
    "no_token_positional_embeddings": False,
    "no_scale_embedding": True,
    "adaptive_input": False,
    "encoder_layerdrop": 0,
    "encoder_layers_to_keep": None,
    "quant_noise_pq": 0,
    "quant_noise_scalar": 0,
    "spectral_norm_classification_head": False,
    "mha_heads_to_keep": -1,
    "ffn_blocks_to_remove": -1,
}


def config_of(arguments: Mapping[str, Any], rows: int, refuse: Callable[[str], NoReturn]) -> dict[str, Any]:
    """Return what config.json would say of fairseq's arguments and an embedding of so many rows.

    Calls `refuse` with what is wrong for a model that Transformers has no class for.
    """
    arch = str(arguments.get("arch") or arguments.get("_name"))
    if arch not in ARCHITECTURES:
        refuse(f": its args say arch={arch}\nallowed: {', '.join(ARCHITECTURES)}")
    # fairseq too takes its default where an argument is None
    given = {**ARCHITECTURES[arch], **{name: value for name, value in arguments.items() if value is not None}}
    for name, value in FIXED.items():
        if given.get(name, value) != value:
            refuse(f": its args say {name}={given[name]}\nallowed: {name}={value}")
    positions = given.get("max_positions") or given.get("tokens_per_sample")
    return {
        "model_type": PRE_NORM if given.get("encoder_normalize_before") else "roberta",
        **{name: given.get(own, default) for own, (_, name, default) in SHAPE.items()},
        "vocab_size": rows,
        "max_position_embeddings": positions + PAD + 1 if isinstance(positions, int) else positions,
        "tie_word_embeddings": not given.get("untie_weights_roberta"),
        "type_vocab_size": 1,
        "layer_norm_eps": LAYER_NORM_EPS,
        "hidden_act": "gelu",
        "bos_token_id": 0,
        "pad_token_id": PAD,
        "eos_token_id": 2,
    }


def arguments_of(settings: Mapping[str, Any], tied: bool, refuse: Callable[[str], NoReturn]) -> dict[str, Any]:
    """Return fairseq's arguments of a model and of the task that it loads it with.

    `settings` are those of `Checkpoint.settings`, `tied` whether words have the same rows going in and out. The task
    is that of pretraining, which needs dict.txt alone; a classifier comes along. Calls `refuse` with what is wrong for
    what fairseq's model cannot be.
    """
    if settings["layer_norm_eps"] != LAYER_NORM_EPS:
        refuse(
            f": its config.json says layer_norm_eps={settings['layer_norm_eps']}\n"
            f"allowed: {LAYER_NORM_EPS}, the only one that fairseq has"
        )
    return {
        "arch": "roberta",
        "task": "masked_lm",
        "criterion": "masked_lm",
        "data": ".",
        "load_checkpoint_heads": True,
        "max_positions": settings["positions"],
        "tokens_per_sample": settings["positions"],
        **{own: settings[setting] for own, (setting, *_) in SHAPE.items()},
        "activation_dropout": 0.0,
        "pooler_dropout": 0.0,
        "encoder_normalize_before": settings["model_type"] == PRE_NORM,
        "untie_weights_roberta": not tied,
        **FIXED,
    }
