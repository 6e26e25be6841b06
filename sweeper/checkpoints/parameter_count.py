"""Counting a built model's parameters by part."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from sweeper.checkpoints.parameter_formula import Counts, Part
from sweeper.trial.outcome import ParameterCounts

if TYPE_CHECKING:
    from torch import nn


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
    Part.ADAPTER: r"\.lora_(?:[AB]|magnitude_vector)\.\w+\.weight",
    Part.LANGUAGE_MODEL_HEAD: r"\.lm_head(?:\.dense|\.layer_norm|\.decoder)?" + EITHER,
}
# What PEFT puts between a layer and its own parameters, where that has an adapter or is trained itself.
OF_PEFT = re.compile(r"\.(?:base_layer|modules_to_save\.\w+)\.")


def count(model: nn.Module, unused: Collection[str] = ()) -> Counts:
    """Count a model's parameters by part, each once; without those of the `unused` names."""
    parts: dict[Part, int] = defaultdict(int)
    frozen: dict[Part, int] = defaultdict(int)
    unknown: dict[str, int] = {}
    unknown_frozen = 0
    names: dict[nn.Parameter, list[str]] = defaultdict(list)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if name not in unused:
            names[parameter].append(name)
    for parameter, own in names.items():
        # What words are embedded and predicted by alike is the embedding, whichever the library names first.
        part = next((part for part in Part if part in map(part_of, own)), None)
        size = _size_of(parameter)
        if part is None:
            unknown[own[0]] = size
            unknown_frozen += 0 if parameter.requires_grad else size
            continue
        parts[part] += size
        if not parameter.requires_grad:
            frozen[part] += size
    return Counts(parts, frozen, unknown, unknown_frozen)


def _size_of(parameter: nn.Parameter) -> int:
    # bitsandbytes packs two weights of 4 bits in a byte and keeps their shape beside them
    state = getattr(parameter, "quant_state", None)
    return int(state.shape.numel()) if state is not None else int(parameter.numel())


def recorded(counts: Counts) -> ParameterCounts:
    """Return counts as an outcome holds them."""
    parts = {part.value: counts.parts[part] for part in Part if part in counts.parts}
    return ParameterCounts(counts.total, counts.total - counts.total_frozen, parts)


def part_of(name: str) -> Part | None:
    """Return the part that a parameter of this name belongs to; None for a name that is not known."""
    return next(
        (part for part, ending in ENDINGS.items() if re.search(f"(?:{ending})$", OF_PEFT.sub(".", f".{name}"))), None
    )
