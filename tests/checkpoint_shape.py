"""What a tiny checkpoint's config.json says, for tests that need no weights in it."""

from __future__ import annotations

CONFIG: dict[str, object] = {
    "model_type": "roberta",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 64,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
}
