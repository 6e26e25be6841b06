"""What an architecture's settings are called in Transformers' config.json. Imports nothing heavy before it must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweeper.errors import WrongInput, first_line
from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial.settings import ArchSettings

if TYPE_CHECKING:
    from transformers import PretrainedConfig

Names = tuple[str, ...]  # of one setting, of which Transformers takes the first that is there
BLOOM_POSITIONS = 2048  # BLOOM has no position embeddings: what it was trained on where config.json does not say


@dataclass(frozen=True)
class Terms:
    """Architecture setting -> its names in config.json: numbers that it must say, and others with their defaults.

    `shape` and `defaults` follow from a model's weights; `drawn` is how random ones are drawn, and what drops out.
    """

    shape: Mapping[str, Names]
    defaults: Mapping[str, tuple[Names, Any]]
    drawn: Mapping[str, tuple[Names, Any]]


ROBERTA = Terms(
    {
        "layers": ("num_hidden_layers",),
        "width": ("hidden_size",),
        "heads": ("num_attention_heads",),
        "feed_forward": ("intermediate_size",),
        "positions": ("max_position_embeddings",),
        "vocabulary_size": ("vocab_size",),
    },
    {"token_types": (("type_vocab_size",), 2), "layer_norm_eps": (("layer_norm_eps",), 1e-12)},
    {
        "init_std": (("initializer_range",), 0.02),
        "dropout": (("hidden_dropout_prob",), 0.1),
        "attention_dropout": (("attention_probs_dropout_prob",), 0.1),
    },
)
BLOOM = Terms(
    {
        "layers": ("n_layer", "num_hidden_layers"),
        "width": ("n_embed", "hidden_size"),
        "heads": ("n_head", "num_attention_heads"),
        "vocabulary_size": ("vocab_size",),
    },
    {"layer_norm_eps": (("layer_norm_epsilon",), 1e-5)},
    {
        "positions": (("seq_length",), BLOOM_POSITIONS),
        "init_std": (("initializer_range",), 0.02),
        "dropout": (("hidden_dropout",), 0.0),
        "attention_dropout": (("attention_dropout",), 0.0),
    },
)
# Of other causal language models, whose config.json says what they are: the names that are usual.
OTHER = Terms(
    {
        "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        "width": ("hidden_size", "n_embd", "n_embed", "d_model"),
        "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads", "attention_heads"),
        "vocabulary_size": ("vocab_size",),
    },
    {"feed_forward": (("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner"), None)},
    {
        "positions": (
            ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len"),
            BLOOM_POSITIONS,
        ),
        "init_std": (("initializer_range", "init_std"), 0.02),
        "dropout": (("resid_pdrop", "hidden_dropout", "residual_dropout", "dropout"), 0.0),
        "attention_dropout": (("attention_dropout", "attn_pdrop"), 0.0),
    },
)

# Of other encoders: the same shape, and what drops out by the names that are usual there.
OTHER_ENCODER = Terms(
    OTHER.shape,
    OTHER.defaults,
    {
        "positions": OTHER.drawn["positions"],
        "init_std": (("initializer_range",), 0.02),
        "dropout": (("hidden_dropout_prob", "dropout", "hidden_dropout", "embedding_dropout"), 0.0),
        "attention_dropout": (("attention_probs_dropout_prob", "attention_dropout"), 0.0),
    },
)


def transformers_config(arch: ArchSettings, tokenizer: Tokenizer, labels: Sequence[str] = ()) -> PretrainedConfig:
    """Return the configuration of a model of this shape for a tokenizer's ids, with a class for each label."""
    from transformers import AutoConfig

    terms = BLOOM if arch.model_type == "bloom" else ROBERTA
    others = {setting: known for setting, (known, _) in {**terms.defaults, **terms.drawn}.items()}
    names = {**terms.shape, **others}
    said = {known[-1]: getattr(arch, setting) for setting, known in names.items() if setting != "positions"}
    if terms is ROBERTA:
        said["max_position_embeddings"] = arch.positions + tokenizer.pad + 1  # counted from the id after <pad>
    if labels:
        said |= {"id2label": dict(enumerate(labels)), "label2id": {name: index for index, name in enumerate(labels)}}
    return AutoConfig.for_model(
        arch.model_type,
        **said | {"vocab_size": arch.vocabulary_size or tokenizer.size},
        bos_token_id=tokenizer.bos,
        pad_token_id=tokenizer.pad,
        eos_token_id=tokenizer.eos,
    )


def stated_config(directory: str, **changes: Any) -> PretrainedConfig:
    """Return what a directory's config.json says, with changes. Raises WrongInput for a type Transformers lacks."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(directory, trust_remote_code=False, **changes)
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # as its classes check what they are given
        said = first_line(error).partition(". ")[0][:300]
        raise WrongInput(
            f"model.path={directory}: Transformers cannot build what its config.json says: {said}\n"
            "needed there: a model_type of the library itself; code that lies with a model is never run"
        ) from error
