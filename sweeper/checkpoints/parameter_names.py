"""Which part of a model a parameter belongs to, by its name in Transformers (RoBERTa, BLOOM), fairseq and PEFT."""

from __future__ import annotations

import re

from sweeper.checkpoints.parameter_formula import Part

IN_LAYER = r"\.(?:layer|layers|h)\.\d+\."
ATTENTION = (
    r"(?:attention\.self\.(?:query|key|value)|attention\.output\.dense"
    r"|self_attention\.(?:query_key_value|dense)"
    r"|self_attn\.(?:q|k|v|out)_proj)"
)
FEED_FORWARD = r"(?:(?:intermediate|output)\.dense|mlp\.dense_(?:h_to_4h|4h_to_h)|fc[12])"
NORM = (
    r"(?:(?:attention\.|intermediate\.|output\.|attention\.output\.)LayerNorm"
    r"|(?:input|post_attention)_layernorm"
    r"|(?:self_attn|final)_layer_norm)"
)
EITHER = r"\.(?:weight|bias)"
# How a parameter's name ends.
ENDINGS = {
    Part.WORDS: r"\.(?:word_embeddings|embed_tokens)\.weight",
    Part.POSITIONS: r"\.(?:position_embeddings|embed_positions)\.weight",
    Part.TOKEN_TYPES: r"\.token_type_embeddings\.weight",
    Part.EMBEDDING_NORM: r"\.(?:embeddings\.LayerNorm|word_embeddings_layernorm|layernorm_embedding)" + EITHER,
    Part.ATTENTION_WEIGHTS: IN_LAYER + ATTENTION + r"\.weight",
    Part.ATTENTION_BIASES: IN_LAYER + ATTENTION + r"\.bias",
    Part.FEED_FORWARD_WEIGHTS: IN_LAYER + FEED_FORWARD + r"\.weight",
    Part.FEED_FORWARD_BIASES: IN_LAYER + FEED_FORWARD + r"\.bias",
    Part.LAYER_NORMS: IN_LAYER + NORM + EITHER,
    Part.FINAL_NORM: r"(?:roberta_prelayernorm\.LayerNorm|transformer\.ln_f|sentence_encoder\.layer_norm)" + EITHER,
    Part.CLASSIFIER: r"\.(?:(?:classifier|classification_heads\.\w+)\.(?:dense|out_proj)" + EITHER + r"|score\.weight)",
    Part.ADAPTER: r"\.lora_[AB]\.\w+\.weight",
    Part.LANGUAGE_MODEL_HEAD: r"\.lm_head(?:\.dense|\.layer_norm|\.decoder)?" + EITHER,
}
# Between a layer that has an adapter beside it and its own parameters.
BASE = ".base_layer."


def part_of(name: str) -> Part | None:
    """Return the part that a parameter of this name belongs to; None for a name that is not known."""
    return next(
        (part for part, ending in ENDINGS.items() if re.search(f"(?:{ending})$", f".{name}".replace(BASE, "."))), None
    )
