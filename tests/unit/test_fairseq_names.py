from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sweeper.checkpoints.fairseq_names import fairseq_state, moved, renamed, transformers_state
from sweeper.errors import WrongInput
from tests.fairseq_files import ROWS, WIDTH, shapes

TYPES = ("roberta", "roberta-prelayernorm")
PREFIX = {"roberta": "roberta.", "roberta-prelayernorm": "roberta_prelayernorm."}
BODY = "encoder.sentence_encoder."
HEAD = "classification_heads.sentence_classification_head."
ORDER = (5, 2, 0, 6, 1, 3, 4)


def drawn(model_type: str, seed: int = 0) -> dict[str, Tensor]:
    """A fairseq state in which every number is another one, with both heads."""
    generator = torch.Generator().manual_seed(seed)
    held = shapes(pre_norm=model_type != "roberta")
    held |= {f"{HEAD}dense.weight": (WIDTH, WIDTH), f"{HEAD}dense.bias": (WIDTH,)}
    held |= {f"{HEAD}out_proj.weight": (3, WIDTH), f"{HEAD}out_proj.bias": (3,)}
    state = {name: torch.randn(extents, generator=generator) for name, extents in held.items()}
    return state | {f"{BODY}version": torch.tensor([3.0])}


def live(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.endswith(("in_proj_weight", "1.fc1_bias", "0.fc1_bias"))
    }


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("order", [None, ORDER])
@pytest.mark.parametrize("model_type", TYPES)
def test_there_and_back_gives_every_tensor_back(model_type: str, order: tuple[int, ...] | None) -> None:
    state = drawn(model_type)
    there = transformers_state(state, model_type, order)
    assert not any(name.endswith("fc1_bias") for name in there), "copies of fairseq's fast path are left out"
    assert equal(fairseq_state(there, model_type, order), live(state))


@pytest.mark.parametrize("model_type", TYPES)
def test_rows_follow_the_order(model_type: str) -> None:
    state, prefix = drawn(model_type), PREFIX[model_type]
    there = transformers_state(state, model_type, ORDER)
    words, output = there[f"{prefix}embeddings.word_embeddings.weight"], there["lm_head.decoder.weight"]
    for row, index in enumerate(ORDER):
        assert torch.equal(words[index], state[f"{BODY}embed_tokens.weight"][row])
        assert torch.equal(output[index], state["encoder.lm_head.weight"][row])
        assert there["lm_head.bias"][index] == state["encoder.lm_head.bias"][row]
    # <pad> is 2 and not 1: the first position is row 3 and not 2
    positions = there[f"{prefix}embeddings.position_embeddings.weight"]
    assert torch.equal(positions[3:], state[f"{BODY}embed_positions.weight"][2:])


@pytest.mark.parametrize("model_type", TYPES)
def test_the_token_type_is_added_to_every_position(model_type: str) -> None:
    there, prefix = transformers_state(drawn(model_type), model_type), PREFIX[model_type]
    token_types = f"{prefix}embeddings.token_type_embeddings.weight"
    assert torch.equal(there[token_types], torch.zeros(1, WIDTH))
    there[token_types] = torch.stack([torch.full((WIDTH,), 0.5), torch.full((WIDTH,), 9.0)])  # row 1 is never looked at
    back = fairseq_state(there, model_type)
    expected = there[f"{prefix}embeddings.position_embeddings.weight"] + 0.5
    assert torch.equal(back[f"{BODY}embed_positions.weight"], expected)


def test_norms_are_those_of_the_same_place() -> None:
    for model_type, (attention, feed_forward) in {
        "roberta": ("attention.output.LayerNorm", "output.LayerNorm"),
        "roberta-prelayernorm": ("attention.LayerNorm", "intermediate.LayerNorm"),
    }.items():
        state, layer = drawn(model_type), f"{PREFIX[model_type]}encoder.layer.1."
        there = transformers_state(state, model_type)
        assert torch.equal(there[f"{layer}{attention}.bias"], state[f"{BODY}layers.1.self_attn_layer_norm.bias"])
        assert torch.equal(there[f"{layer}{feed_forward}.bias"], state[f"{BODY}layers.1.final_layer_norm.bias"])
    assert torch.equal(there["roberta_prelayernorm.LayerNorm.bias"], state[f"{BODY}layer_norm.bias"])


def test_only_the_heads_that_are_there() -> None:
    there = transformers_state(drawn("roberta"), "roberta")
    body = {name: tensor for name, tensor in there.items() if name.startswith("roberta.")}
    without_prefix = {name.removeprefix("roberta."): tensor for name, tensor in body.items()}
    for held in (body, without_prefix, body | {"roberta.pooler.dense.weight": torch.zeros(1)}):
        assert all(name.startswith(BODY) for name in fairseq_state(held, "roberta"))
    classifier = body | {name: tensor for name, tensor in there.items() if name.startswith("classifier.")}
    assert {name.split(".")[0] for name in fairseq_state(classifier, "roberta")} == {"encoder", "classification_heads"}


def test_what_transformers_ties_is_saved_once() -> None:
    there = transformers_state(drawn("roberta"), "roberta")
    del there["lm_head.decoder.weight"]
    for name in ("lm_head.decoder.bias", "lm_head.bias"):
        once = {other: tensor for other, tensor in there.items() if other != name}
        for order in (None, ORDER):
            back = fairseq_state(once, "roberta", order)
            assert back["encoder.lm_head.weight"] is back[f"{BODY}embed_tokens.weight"]
            assert torch.equal(back["encoder.lm_head.bias"], there["lm_head.bias"][list(order or range(ROWS))])


def test_an_only_head_of_another_name_is_the_classifier() -> None:
    state = {name.replace("sentence_classification_head", "mnli"): tensor for name, tensor in drawn("roberta").items()}
    there = transformers_state(state, "roberta")
    assert torch.equal(there["classifier.out_proj.bias"], state["classification_heads.mnli.out_proj.bias"])


def test_names_of_older_versions() -> None:
    state = drawn("roberta")
    expected = transformers_state(state, "roberta")
    old = {}
    for name, tensor in live(state).items():
        older = name.replace("encoder.", "decoder.", 1).replace("layernorm_embedding", "emb_layer_norm")
        old[older.replace("self_attn_layer_norm", "layer_norms.0").replace("final_layer_norm", "layer_norms.1")] = (
            tensor
        )
    for part in ("weight", "bias"):
        attention = "decoder.sentence_encoder.layers.1.self_attn."
        joined = [old.pop(f"{attention}{kind}_proj.{part}") for kind in "qkv"]
        old[f"{attention}in_proj_{part}"] = torch.cat(joined)
    del old["decoder.sentence_encoder.version"]  # came later
    assert equal(transformers_state(old, "roberta"), expected)


def test_shapes_are_renamed_like_tensors() -> None:
    found = renamed({"decoder.a.self_attn.in_proj_weight": (6, 2)}, lambda joined: [(joined[0] // 3, joined[1])] * 3)
    assert found == {f"encoder.a.self_attn.{kind}_proj.weight": (2, 2) for kind in "qkv"}


@pytest.mark.parametrize("pad", range(5))
@pytest.mark.parametrize("new_pad", range(5))
def test_positions_are_counted_from_the_row_after_padding(pad: int, new_pad: int) -> None:
    positions = torch.arange(1.0, 9.0)[:, None].expand(8, 2)
    found = moved(positions, pad, new_pad)
    assert torch.equal(found[new_pad:], positions[pad:])
    assert len(found) == len(positions) - pad + new_pad


@pytest.mark.parametrize("name", ["encoder.lm_head.bias", f"{BODY}layers.0.fc2.bias", f"{HEAD}dense.weight"])
def test_a_tensor_that_is_missing_is_named(name: str) -> None:
    state = drawn("roberta")
    del state[name]
    with pytest.raises(WrongInput, match=f"the weights lack {name}"):
        transformers_state(state, "roberta")


@pytest.mark.parametrize("name", ["encoder.regression_head.weight", "classification_heads.other.dense.bias"])
def test_a_tensor_that_has_no_place_is_named(name: str) -> None:
    with pytest.raises(WrongInput, match=f"the weights hold {name}"):
        transformers_state(drawn("roberta") | {name: torch.zeros(ROWS)}, "roberta")


def test_a_model_of_another_kind_is_none_of_fairseq_s() -> None:
    there = transformers_state(drawn("roberta"), "roberta")
    with pytest.raises(WrongInput, match=r"the weights hold qa_outputs\.bias"):
        fairseq_state(there | {"qa_outputs.bias": torch.zeros(2)}, "roberta")
    with pytest.raises(WrongInput, match=r"the weights lack LayerNorm\.weight"):
        fairseq_state(
            {f"roberta_prelayernorm.{name[8:]}": held for name, held in there.items()}, "roberta-prelayernorm"
        )
