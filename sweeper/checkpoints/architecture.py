"""An architecture in Transformers' terms."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import AutoConfig, PretrainedConfig

from sweeper.data.tokenizer import Tokenizer
from sweeper.trial import ArchSettings


def transformers_config(arch: ArchSettings, tokenizer: Tokenizer, labels: Sequence[str] = ()) -> PretrainedConfig:
    """Return the configuration of an encoder with `arch.positions` positions besides RoBERTa's two unused ones."""
    names = dict(enumerate(labels))
    return AutoConfig.for_model(
        arch.model_type,
        vocab_size=arch.vocabulary_size or tokenizer.size,
        hidden_size=arch.width,
        num_hidden_layers=arch.layers,
        num_attention_heads=arch.heads,
        intermediate_size=arch.feed_forward,
        max_position_embeddings=arch.positions + 2,
        hidden_dropout_prob=arch.dropout,
        attention_probs_dropout_prob=arch.attention_dropout,
        initializer_range=arch.init_std,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=tokenizer.bos,
        pad_token_id=tokenizer.pad,
        eos_token_id=tokenizer.eos,
        **({"id2label": names, "label2id": {name: number for number, name in names.items()}} if names else {}),
    )
