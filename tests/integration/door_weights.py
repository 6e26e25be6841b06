"""Weights, shapes and tokenizers of the user's own that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.numpy import save_file

from tests.checkpoint_files import PIECES, Harm, tensors, write_bloom, write_checkpoint, write_tokenizer
from tests.integration.door import Case

TOKENIZER = "model=rd tokenizer.path=tokenizer_"
CASES = [
    Case("model.path=nowhere/at/all", ("model.path=nowhere/at/all", "no such directory")),
    Case("model=rd model.path=nowhere/at/all", ("model.path=nowhere/at/all", "no such directory")),
    Case("model.path=a_file", ("model.path=a_file", "no such directory")),
    Case("model.path=weights_typo", ("model.path=weights_typo: no directory here", "hub name", "model.path=DIR")),
    Case("model.path=owner/name", ("model.path=owner/name: no directory here", "HF_HUB_OFFLINE", "model.path=DIR")),
    Case("model.path=owner/name@v1", ("model.path=owner/name@v1: no directory here", "OWNER/NAME@REVISION")),
    Case("model.path=5", ("model.path=5", "DIR", "hub name")),
    Case("model.path={decoder:x}", ("model.path", "decoder", "encoder, causal_lm")),
    Case("model.path.encoder=weights_good", ("model.path.encoder", "model.path={encoder: ")),
    Case("model.path=weights_none", ("model.path=weights_none", "config.json", "model.safetensors")),
    Case("model.path=weights_no_config", ("model.path=weights_no_config", "config.json")),
    Case("model.path=weights_no_tensors", ("model.path=weights_no_tensors", "model.safetensors", "model=rd")),
    Case("model.path=weights_json", ("weights_json/config.json", "not valid JSON")),
    Case("framework=fairseq model.path=weights_bert", ("framework=fairseq", "model_type=bert", "framework=hf")),
    Case("model.path=weights_relu", ("model.path=weights_relu", "hidden_act=relu", "hidden_act=gelu")),
    Case("model.path=weights_words", ("model.path=weights_words", "hidden_size=wide", "integer")),
    Case("model.path={encoder:weights_bloom}", ("model.path=weights_bloom", "bloom", "causal_lm")),
    Case("arch=tiny model.path=weights_deep", ("model.path=weights_deep", "arch=of_model", "arch.encoder.layers=3")),
    Case("model.path=weights_deep arch=of_model", ("model.path=weights_deep", "encoder.layer.2", "there is: ")),
    Case("model.path=weights_wide arch=of_model", ("model.path=weights_wide", "[7, 64] in the weights", "[7, 32]")),
    Case("model.path=weights_other_names", ("model.path=weights_other_names", "word_embeddings", "module.roberta")),
    Case("model.path=weights_cut", ("weights_cut/model.safetensors", "cut off", "again")),
    Case("model.path=weights_header", ("weights_header/model.safetensors", "no safetensors file")),
    Case("model.path=weights_shard", ("model-00002-of-00002.safetensors is missing", "index")),
    Case("model.path=weights_index", ("model.safetensors.index.json", "weight_map")),
    Case("model.path=weights_pickle", ("weights_pickle/pytorch_model.bin", "posix.system", "safetensors")),
    Case("model.path=weights_old_pickle", ("weights_old_pickle/pytorch_model.bin", "posix.system", "safetensors")),
    Case("model.path=weights_cut_pickle", ("weights_cut_pickle/pytorch_model.bin", "cut off", "safetensors")),
    Case("model.path=weights_no_tokenizer", ("weights_no_tokenizer", "no tokenizer", "tokenizer.path=DIR")),
    Case("model.path=weights_padding", ("model.path=weights_padding", "pad_token_id=2", "tokenizer.path")),
    Case("model.path=weights_good tokenizer.path=tokenizer_many.json", ("tokenizer_many.json", "not the one beside")),
    Case("model.path=weights_good tokenizer.vocabulary_size=6", ("cuts its 7 ids", "model=rd")),
    Case("model.path=weights_good tokenizer.kind=unigram", ("tokenizer.kind=unigram", "leave out")),
    Case("arch=of_model", ("arch=of_model", "model.path=DIR")),
    Case("arch=of_model model=rd", ("arch=of_model", "model.path=DIR")),
    Case("arch=of_model model.path=nowhere/at/all", ("model.path=nowhere/at/all", "no such directory")),
    Case("arch=of_model model.path={causal_lm:weights_bloom}", ("family encoder", "a model.path of that family")),
    Case("arch=of_model model.path=weights_good train.max_length=63", ("train.max_length=63", "at most 62")),
    Case("arch=of_model model.path=weights_good arch.encoder.layers=1", ("model.path", "arch.encoder.layers=2")),
    Case("arch=bloom_tiny", ("arch=bloom_tiny", "family encoder")),
    Case("arch=bloom_tiny framework.family=causal_lm arch.causal_lm.feed_forward=128", ("feed_forward=128", "256")),
    Case("arch.encoder.model_type=bert", ("model_type=bert", "roberta")),
    Case("arch.encoder.width=63", ("width=63", "heads=2", "multiple")),
    Case("arch.encoder.layers=two", ("arch.encoder.layers=two", "integer")),
    Case("arch.encoder.layers=0", ("arch.encoder.layers=0", "at least 1")),
    Case("arch.encoder.layers=null", ("arch.encoder.layers=null", "default")),
    Case("arch.encoder.dropout=1", ("arch.encoder.dropout=1.0", "below 1")),
    Case("arch.encoder.init_std=0", ("arch.encoder.init_std=0.0", "above 0")),
    Case("arch.encoder.vocabulary_size=5", ("arch.encoder.vocabulary_size=5", "at least 6")),
    Case("arch.encoder.pretraining.updates=0", ("arch.encoder.pretraining.updates=0", "at least 1")),
    Case("arch.encoder.pretraining.update=1", ("arch.encoder.pretraining.update", "did you mean")),
    Case("tokenizer.path=nowhere.model", ("nowhere.model", "tokenizer.json")),
    Case("tokenizer.path=weights_none", ("weights_none", "one tokenizer", "tokenizer.path=FILE")),
    Case("tokenizer.path=a_file", ("a_file", "tokenizer.json")),
    Case(f"{TOKENIZER}empty.json", ("tokenizer_empty.json is cut off", "tokenizers library")),
    Case(f"{TOKENIZER}object.json", ("tokenizer_object.json", "no tokenizer.json")),
    Case(f"{TOKENIZER}special.json", ("tokenizer_special.json", "lacks <s>, </s>", "<unk>")),
    Case("tokenizer.path=tokenizer_mask.json", ("tokenizer_mask.json", "<mask>", "model.path=DIR")),
    Case(f"{TOKENIZER}many.json arch.encoder.vocabulary_size=7", ("8 ids", "7 rows", "tokenizer.vocabulary_size=7")),
    Case("tokenizer.vocabulary_size=5", ("tokenizer.vocabulary_size=5", "at least 6")),
    Case("tokenizer.vocabulary_size=many", ("tokenizer.vocabulary_size=many", "integer")),
    Case("tokenizer.vocabulary_size=99 arch.encoder.vocabulary_size=98", ("tokenizer.vocabulary_size=99", "most 98")),
    Case(
        "model=rd tokenizer.kind=unigram arch.encoder.vocabulary_size=99",
        ("tokenizer.kind=unigram may have 8,000", "99 rows", "vocabulary_size=99"),
    ),
    Case(f"{TOKENIZER}list.json", ("tokenizer_list.json", "no tokenizer.json")),
    Case(f"{TOKENIZER}unknown.json", ("tokenizer_unknown.json has no [UNK]", "unk_token")),
    Case("model.path=weights_list arch=of_model", ("weights_list/tokenizer.json is a list", "tokenizers library")),
    Case("model.path=weights_integers", ("weights_integers/model.safetensors holds", "as integers", "floating point")),
    Case("model.path=weights_no_pad", ("model.path=weights_no_pad", "pad_token_id=999 of 7 ids", "<pad>")),
    Case('model.path="~nouser/x"', ("model.path=~nouser/x", "no user nouser", "./~nouser")),
    Case('tokenizer.path="~nouser/x"', ("tokenizer.path=~nouser/x", "no user nouser", "./~nouser")),
    Case(f"{TOKENIZER}cut.model", ("tokenizer_cut.model is cut off", "*.model")),
    Case(f"{TOKENIZER}none.model", ("tokenizer_none.model is cut off, or no sentencepiece model", "*.model")),
    Case("tokenizer.kind=syllable", ("tokenizer.kind=syllable", "unigram")),
    Case(
        f"{TOKENIZER}many.json tokenizer.vocabulary_size=7 tokenizer.count_on=nowhere.txt",
        ("tokenizer.count_on=nowhere.txt", "cannot be read"),
    ),
]
# Directory -> how its config.json differs from that of the weights in it.
CONFIGS: Mapping[str, Mapping[str, object]] = {
    "good": {},
    "bert": {"model_type": "bert"},
    "relu": {"hidden_act": "relu"},
    "words": {"hidden_size": "wide"},
    "deep": {"num_hidden_layers": 3},
    "wide": {"hidden_size": 32},
    "no_pad": {"pad_token_id": 999},
    "padding": {"pad_token_id": 2, "max_position_embeddings": 65},
}


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with weights_ or tokenizer_."""
    for name, changes in CONFIGS.items():
        write_checkpoint(directory / f"weights_{name}", changes)
    save_file(tensors(positions=65), directory / "weights_padding" / "model.safetensors")
    write_bloom(directory / "weights_bloom")
    (directory / "weights_none").mkdir()
    make_broken(directory)
    make_split(directory)
    make_pickles(directory)
    make_tokenizers(directory)


def make_broken(directory: Path) -> None:
    """Checkpoints of which something is missing or damaged."""
    for name in ("no_config", "no_tensors", "json", "cut", "header", "no_tokenizer", "list", "integers"):
        write_checkpoint(directory / f"weights_{name}")
    (directory / "weights_list" / "tokenizer.json").write_text("[]")
    whole = {name: held.astype("int32") for name, held in tensors().items()}
    save_file(whole, directory / "weights_integers" / "model.safetensors")
    write_checkpoint(directory / "weights_other_names", held=tensors(prefix="module.roberta."))
    (directory / "weights_no_config" / "config.json").unlink()
    (directory / "weights_no_tensors" / "model.safetensors").unlink()
    (directory / "weights_no_tokenizer" / "tokenizer.json").unlink()
    (directory / "weights_json" / "config.json").write_text("{")
    cut = (directory / "weights_cut" / "model.safetensors").read_bytes()
    (directory / "weights_cut" / "model.safetensors").write_bytes(cut[: len(cut) // 2])
    (directory / "weights_header" / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")


def make_split(directory: Path) -> None:
    """Checkpoints in parts that are not all there."""
    for name in ("shard", "index"):
        place = write_checkpoint(directory / f"weights_{name}")
        part = place / "model-00001-of-00002.safetensors"
        (place / "model.safetensors").rename(part)
        listed = dict.fromkeys(tensors(), part.name) | {"roberta.pooler": "model-00002-of-00002.safetensors"}
        index = {"weight_map": listed if name == "shard" else None}
        (place / "model.safetensors.index.json").write_text(json.dumps(index))


def make_pickles(directory: Path) -> None:
    """Pickles that are refused without being run."""
    for name in ("pickle", "old_pickle", "cut_pickle"):
        file = write_checkpoint(directory / f"weights_{name}") / "pytorch_model.bin"
        file.with_name("model.safetensors").unlink()
        torch.save({"weight": Harm()}, file, _use_new_zipfile_serialization=name != "old_pickle")
    cut = directory / "weights_cut_pickle" / "pytorch_model.bin"
    cut.write_bytes(cut.read_bytes()[:-10])


def make_tokenizers(directory: Path) -> None:
    """Files that are no tokenizer, or not one that fits."""
    (directory / "tokenizer_empty.json").touch()
    (directory / "tokenizer_object.json").write_text("{}")
    (directory / "tokenizer_list.json").write_text("[]")
    unknown = {"type": "WordLevel", "vocab": PIECES, "unk_token": "[UNK]"}
    (directory / "tokenizer_unknown.json").write_text(json.dumps({"version": "1.0", "model": unknown}))
    (directory / "tokenizer_cut.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>")
    (directory / "tokenizer_none.model").touch()
    few = {piece: index for piece, index in PIECES.items() if piece not in ("<s>", "</s>")}
    write_tokenizer(directory / "tokenizer_special.json", few)
    write_tokenizer(directory / "tokenizer_mask.json", {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "bien": 4})
    write_tokenizer(directory / "tokenizer_many.json", {**PIECES, "bon": 7})
