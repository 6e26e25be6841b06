"""The weights of one RoBERTa under fairseq's names and under Transformers', post-norm and pre-norm.

Both libraries compute the same function of them, but don't store the same. fairseq has no token types: their row 0 is
added to every position. Its <pad> is 1 and positions are counted from the id after <pad>, so that they move where
another vocabulary has <pad> elsewhere. And fairseq 0.12.2 stores copies of each layer's weights for a fast path, which
it makes again when it loads. Imports neither library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from sweeper.checkpoints.checkpoint import ENCODERS
from sweeper.errors import WrongInput

if TYPE_CHECKING:
    from torch import Tensor


PRE_NORM = "roberta-prelayernorm"  # fairseq: encoder_normalize_before
PAD = 1  # fairseq's id of <pad>
VERSION = 3  # of fairseq's encoder; when it loads one below 2, it forgets a pre-norm model's last norm
BODY = "encoder.sentence_encoder."
HEAD = "classification_heads.sentence_classification_head."  # as fairseq's task calls it
WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
TOKEN_TYPES = "embeddings.token_type_embeddings.weight"
OUTPUT, BIAS, TIED_BIAS = "lm_head.decoder.weight", "lm_head.bias", "lm_head.decoder.bias"
# What no head looks at: buffers, Transformers' pooler, fairseq's copies.
UNUSED = re.compile(
    r"embeddings\.(position|token_type)_ids|pooler\.dense\.(weight|bias)"
    r"|encoder\.sentence_encoder\.(version|layers\.\d+\.(in_proj|out_proj|fc1|fc2)_(weight|bias))"
)
# How older versions of fairseq, of which published checkpoints are, called some.
OLD_NAMES = (
    (re.compile(r"^decoder\."), "encoder."),
    (re.compile(r"\.emb_layer_norm\."), ".layernorm_embedding."),
    (re.compile(r"\.layer_norms\.0\."), ".self_attn_layer_norm."),
    (re.compile(r"\.layer_norms\.1\."), ".final_layer_norm."),
)
JOINED = re.compile(r"(.*\.self_attn)\.in_proj_(weight|bias)")  # of queries, keys and values
Held = TypeVar("Held")


def fairseq_state(
    state: Mapping[str, Tensor], model_type: str, order: Sequence[int] | None = None
) -> dict[str, Tensor]:
    """Return a RoBERTa of Transformers as the state dict of fairseq's RobertaModel, with the heads that it has.

    `order[i]` is the Transformers id of fairseq's row i; None: the same. What stays as it is is not copied. Raises
    WrongInput for a tensor that is missing and for one that fairseq's model has no place for.
    """
    held = {name.removeprefix(ENCODERS[model_type]): tensor for name, tensor in state.items()}
    for name, twin in ((OUTPUT, WORDS), (BIAS, TIED_BIAS)):
        if "lm_head.dense.weight" in held and name not in held and twin in held:
            held[name] = held[twin]  # tied ones are saved once, or twice
    if TIED_BIAS in held:
        held[BIAS] = held.pop(TIED_BIAS)  # the one that is added where they are not tied
    names = tensor_names(held, model_type)
    found = _taken(held, {TOKEN_TYPES: TOKEN_TYPES, **{theirs: theirs for theirs in names.values()}})
    token_type = found[TOKEN_TYPES][0]
    found[POSITIONS] = moved(found[POSITIONS] + token_type, order[PAD] if order else PAD, PAD)
    if order:
        found |= _by_id(found, order)
    return {ours: found[theirs] for ours, theirs in names.items()} | {
        f"{BODY}version": token_type.new_tensor([VERSION])
    }


def transformers_state(
    state: Mapping[str, Tensor], model_type: str, order: Sequence[int] | None = None
) -> dict[str, Tensor]:
    """Return the state dict of fairseq's RobertaModel as one of Transformers' RoBERTa, with the heads that it has.

    `order[i]` is the Transformers id of fairseq's row i; None: the same. The token-type row is zero; fairseq's copies
    for its fast path are left out. Raises WrongInput for a tensor that is missing and for one that has no place.
    """
    held = renamed(state, lambda joined: joined.chunk(3))
    names = tensor_names(held, model_type)
    found = _taken(held, {theirs: ours for ours, theirs in names.items()})
    found[POSITIONS] = moved(found[POSITIONS], PAD, order[PAD] if order else PAD)
    found[TOKEN_TYPES] = found[WORDS].new_zeros(1, found[WORDS].shape[1])
    if order:
        found |= _by_id(found, sorted(range(len(order)), key=order.__getitem__))
    if BIAS in found:
        found[TIED_BIAS] = found[BIAS]
    prefix = ENCODERS[model_type]
    return {f"{prefix}{name}" if _is_of_body(name) else name: tensor for name, tensor in found.items()}


def tensor_names(held: Iterable[str], model_type: str) -> dict[str, str]:
    """Return fairseq's name of each tensor -> Transformers', without its prefix, by what either one holds."""
    names = list(held)
    layers = {int(found[1]) for name in names if (found := re.search(r"\.layers?\.(\d+)\.", name))}
    wanted = body_names(model_type, max(layers, default=-1) + 1)
    if any("lm_head." in name for name in names):
        modules = {"dense": "dense", "layer_norm": "layer_norm"}
        wanted |= _with_parts("encoder.lm_head.", "lm_head.", modules)
        wanted |= {"encoder.lm_head.weight": OUTPUT, "encoder.lm_head.bias": BIAS}
    if any(name.startswith((HEAD, "classifier.")) for name in names):
        wanted |= _with_parts(HEAD, "classifier.", {"dense": "dense", "out_proj": "out_proj"})
    return wanted


def body_names(model_type: str, layers: int) -> dict[str, str]:
    """Return fairseq's name of each tensor of a body -> Transformers', without its prefix."""
    pre_norm = model_type == PRE_NORM
    layer = {
        "self_attn.q_proj": "attention.self.query",
        "self_attn.k_proj": "attention.self.key",
        "self_attn.v_proj": "attention.self.value",
        "self_attn.out_proj": "attention.output.dense",
        "self_attn_layer_norm": "attention.LayerNorm" if pre_norm else "attention.output.LayerNorm",
        "fc1": "intermediate.dense",
        "fc2": "output.dense",
        "final_layer_norm": "intermediate.LayerNorm" if pre_norm else "output.LayerNorm",
    }
    modules = {"layernorm_embedding": "embeddings.LayerNorm"} | ({"layer_norm": "LayerNorm"} if pre_norm else {})
    names = {f"{BODY}embed_tokens.weight": WORDS, f"{BODY}embed_positions.weight": POSITIONS}
    names |= _with_parts(BODY, "", modules)
    for number in range(layers):
        names |= _with_parts(f"{BODY}layers.{number}.", f"encoder.layer.{number}.", layer)
    return names


def _with_parts(ours: str, theirs: str, modules: Mapping[str, str]) -> dict[str, str]:
    parts = ("weight", "bias")
    return {f"{ours}{own}.{part}": f"{theirs}{other}.{part}" for own, other in modules.items() for part in parts}


def _is_of_body(name: str) -> bool:
    return not name.startswith(("lm_head.", "classifier."))


def _taken(held: Mapping[str, Tensor], wanted: Mapping[str, str]) -> dict[str, Tensor]:
    if missing := next((name for name in wanted.values() if name not in held), None):
        raise WrongInput(f"the weights lack {missing}\nneeded: all tensors of a RoBERTa")
    used = set(wanted.values())
    if other := next((name for name in held if name not in used and not UNUSED.fullmatch(name)), None):
        raise WrongInput(
            f"the weights hold {other}\nallowed: RoBERTa with a language model's head, a classifier or both"
        )
    return {new: held[name] for new, name in wanted.items()}


def moved(positions: Tensor, pad: int, new_pad: int) -> Tensor:
    """Return position embeddings, counted from the row after `pad`, counted from the one after `new_pad`.

    The rows before <pad>'s are never looked at; they are zero where they are new.
    """
    ahead = new_pad - pad
    if ahead <= 0:
        return positions[-ahead:]
    rows, width = positions.shape
    made = positions.new_zeros(rows + ahead, width)
    made[ahead:] = positions
    return made


def _by_id(found: Mapping[str, Tensor], rows: Sequence[int]) -> dict[str, Tensor]:
    made = {name: found[name][list(rows)] for name in (WORDS, OUTPUT, BIAS) if name in found}
    if found.get(OUTPUT) is found[WORDS]:
        made[OUTPUT] = made[WORDS]
    return made


def renamed(state: Mapping[str, Held], thirds: Callable[[Held], Sequence[Held]]) -> dict[str, Held]:
    """Return what fairseq's tensors are, by the names of version 0.12.2; `thirds` parts one of three in a row.

    A only classification head of another name gets the name that the task of sentence prediction gives.
    """
    found: dict[str, Held] = {}
    heads = {name.split(".")[1] for name in state if name.startswith("classification_heads.")}
    for name, value in state.items():
        for old, new in OLD_NAMES:
            name = old.sub(new, name)
        if len(heads) == 1:
            name = re.sub(r"^classification_heads\.[^.]+\.", HEAD, name)
        if joined := JOINED.fullmatch(name):
            names = [f"{joined[1]}.{kind}_proj.{joined[2]}" for kind in "qkv"]
            found |= dict(zip(names, thirds(value), strict=True))
        else:
            found[name] = value
    return found
