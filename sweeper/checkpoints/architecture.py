"""An architecture in Transformers' terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoConfig, PretrainedConfig

from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial.settings import ArchSettings


def transformers_config(arch: ArchSettings, tokenizer: Tokenizer, labels: Sequence[str] = ()) -> PretrainedConfig:
    """Return the configuration of a model of this shape for a tokenizer's ids, with a class for each label."""
    names = dict(enumerate(labels))
    own = bloom_settings(arch) if arch.model_type == "bloom" else roberta_settings(arch, tokenizer)
    return AutoConfig.for_model(
        arch.model_type,
        vocab_size=arch.vocabulary_size or tokenizer.size,
        hidden_size=arch.width,
        initializer_range=arch.init_std,
        bos_token_id=tokenizer.bos,
        pad_token_id=tokenizer.pad,
        eos_token_id=tokenizer.eos,
        **own,
        **({"id2label": names, "label2id": {name: number for number, name in names.items()}} if names else {}),
    )


def roberta_settings(arch: ArchSettings, tokenizer: Tokenizer) -> dict[str, Any]:
    """Return what RoBERTa's configuration has of its own; its positions are counted from the id after <pad>."""
    return {
        "num_hidden_layers": arch.layers,
        "num_attention_heads": arch.heads,
        "intermediate_size": arch.feed_forward,
        "max_position_embeddings": arch.positions + tokenizer.pad + 1,
        "hidden_dropout_prob": arch.dropout,
        "attention_probs_dropout_prob": arch.attention_dropout,
        "type_vocab_size": arch.token_types,
        "layer_norm_eps": arch.layer_norm_eps,
    }


def bloom_settings(arch: ArchSettings) -> dict[str, Any]:
    """Return what BLOOM's configuration has of its own; it has no positions, and its feed-forward is 4 × width."""
    return {
        "n_layer": arch.layers,
        "n_head": arch.heads,
        "hidden_dropout": arch.dropout,
        "attention_dropout": arch.attention_dropout,
        "layer_norm_epsilon": arch.layer_norm_eps,
    }
