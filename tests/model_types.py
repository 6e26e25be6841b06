"""What Transformers and PEFT say of every model type that classifies texts or is a causal language model.

    python -m tests.model_types > sweeper/checkpoints/model_types.json

writes the table that `sweeper.checkpoints.model_types` reads, since asking the libraries imports torch. A test keeps
both equal.
"""

from __future__ import annotations

import json
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as ADAPTED
from transformers import PreTrainedConfig
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils.logging import set_verbosity_error

ROLES = {
    "classifies": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    "masked": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
}
SHAPE = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
    "positions": "max_position_embeddings",
    "vocabulary_size": "vocab_size",
}


def table() -> dict[str, dict[str, Any]]:
    set_verbosity_error()
    return {kind: row(kind) for kind in sorted({*ROLES["classifies"], *ROLES["causal"]})}


def row(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"roles": [role for role, mapping in ROLES.items() if kind in mapping]}
    try:
        config = CONFIG_MAPPING[kind]()
    except StrictDataclassError:  # its defaults are no model
        return found
    if config.is_encoder_decoder:
        found["roles"].append("encoder_decoder")
    if getattr(config, "attn_type", None) == "bi" or getattr(config, "causal", None) is False:
        found["roles"].append("bidirectional")  # although a class for causal language modelling exists
    text = text_config(config)
    if text is not config:
        found["within"] = next(name for name in config.sub_configs if getattr(config, name, None) is text)
    found["shape"] = {}
    for setting, name in SHAPE.items():
        try:
            value = getattr(text, name, None)
        except RuntimeError:  # it differs between layers
            continue
        if isinstance(value, int):
            found["shape"][setting] = [type(text).attribute_map.get(name, name), value]
    if isinstance(ADAPTED.get(kind), list):
        found["adapted"] = ADAPTED[kind]
    return found


def text_config(config: PreTrainedConfig) -> PreTrainedConfig:
    try:
        return config.get_text_config()
    except ValueError:  # there are several
        return config


if __name__ == "__main__":
    rows = (f"{json.dumps(kind)}: {json.dumps(found)}" for kind, found in table().items())
    print("{\n" + ",\n".join(rows) + "\n}")
