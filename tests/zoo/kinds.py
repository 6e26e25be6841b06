"""The zoo: tiny random models of many types, each with the files that its published checkpoints have.

A new member joins by being listed in ZOO.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel

from tests.zoo import published
from tests.zoo.tokenizer_files import Ids

ENCODER, CAUSAL_LM = "encoder", "causal_lm"
# Large numbers, so that what reads a text differs from what does not.
WEIGHTS = {"initializer_range": 0.1}
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 258,
    **WEIGHTS,
}
DISTILBERT = {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 256, **WEIGHTS}
XLNET = {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64, **WEIGHTS}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 256, **WEIGHTS}
BLOOM = {"hidden_size": 32, "n_layer": 2, "n_head": 2, **WEIGHTS}
FALCON = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 256,
    **WEIGHTS,
}
OPT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 64, "word_embed_proj_dim": 32}
GROUPED = {**SHAPE, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
DISENTANGLED = {
    **SHAPE,
    "type_vocab_size": 0,
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": ["p2c", "c2p"],
    "max_relative_positions": -1,
}
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Kind:
    """A model type and the files that its checkpoints have; `write` writes the tokenizer's."""

    model_type: str
    family: str
    write: Callable[[Path], Ids]
    shape: Mapping[str, Any]
    ids: Mapping[str, str | Sequence[str]] = field(default_factory=dict)  # of config.json, by piece
    spare: int = 0  # rows of the embedding that no piece has
    saved_as: str = ""  # class that was saved, where it is not the type's language model
    named: bool = True  # whether config.json says of which class the weights are
    by_auto: bool = True  # whether AutoTokenizer reads these files rightly

    def config(self, rows: Ids, **more: Any) -> PreTrainedConfig:
        roles = {
            name: rows[piece] if isinstance(piece, str) else [rows[one] for one in piece]
            for name, piece in self.ids.items()
        }
        return AutoConfig.for_model(self.model_type, vocab_size=len(rows) + self.spare, **self.shape, **roles, **more)

    def model(self, rows: Ids) -> PreTrainedModel:
        """What is published: a body that was pretrained, under the head of that."""
        torch.manual_seed(0)
        if self.saved_as:
            return getattr(transformers, self.saved_as)(self.config(rows))
        of_family = AutoModelForMaskedLM if self.family == ENCODER else AutoModelForCausalLM
        return of_family.from_config(self.config(rows))

    def save(self, directory: Path) -> Path:
        """Write the directory of a checkpoint, of numbers that bfloat16 and float16 hold, too."""
        directory.mkdir(parents=True)
        model = self.model(self.write(directory))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(parameter.to(torch.float16).to(torch.bfloat16))
        model.save_pretrained(directory)
        if not self.named:
            change_config(directory, architectures=None)
        return directory

    def save_classifier(self, directory: Path, labels: int = 2) -> Path:
        """The same with the trained head of a classifier."""
        directory.mkdir(parents=True)
        config = self.config(self.write(directory), num_labels=labels)
        torch.manual_seed(5)
        transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(directory)
        return directory


def store_as(dtype: torch.dtype, source: Path, destination: Path) -> Path:
    """Write the same checkpoint with its numbers in another format."""
    shutil.copytree(source, destination)
    file = destination / "model.safetensors"
    held = {name: numbers.to(dtype) for name, numbers in load_file(file).items()}
    save_file(held, file, metadata={"format": "pt"})
    change_config(destination, dtype=str(dtype).removeprefix("torch."))
    return destination


def change_config(directory: Path, **changes: Any) -> None:
    """Change settings of config.json; None takes one away."""
    file = directory / "config.json"
    settings = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in settings.items() if value is not None}))


BERT_IDS = {"pad_token_id": "[PAD]"}
ROBERTA_IDS = {"bos_token_id": "<s>", "pad_token_id": "<pad>", "eos_token_id": "</s>"}
BRACKETS = {"bos_token_id": "[CLS]", "eos_token_id": "[SEP]", "pad_token_id": "[PAD]"}
BOTH_ENDS = {"bos_token_id": "<s>", "eos_token_id": "</s>"}
ONE_END = {"bos_token_id": published.END, "eos_token_id": published.END}
ONE_SEGMENT = {**SHAPE, "type_vocab_size": 1, "layer_norm_eps": 1e-5}

encoder = partial(Kind, family=ENCODER, shape=SHAPE)
causal_lm = partial(Kind, family=CAUSAL_LM, shape=SHAPE)
roberta_like = partial(encoder, shape=ONE_SEGMENT, ids=ROBERTA_IDS)
sentencepiece_alone = partial(published.xlm_roberta, converted=False)

# As tests call it -> the kind. What lies beside each is what Transformers makes of it.
ZOO: Mapping[str, Kind] = {
    "bert": encoder("bert", write=published.bert, ids=BERT_IDS, saved_as="BertForPreTraining"),
    "distilbert": encoder("distilbert", write=published.bert, shape=DISTILBERT, ids=BERT_IDS),
    "albert": encoder(
        "albert",
        write=published.albert,
        shape={**SHAPE, "embedding_size": 16},
        ids={"bos_token_id": "[CLS]", "eos_token_id": "[SEP]", "pad_token_id": "<pad>"},
    ),
    "electra": encoder(
        "electra",
        write=published.bert,
        shape={**SHAPE, "embedding_size": 16},
        ids=BERT_IDS,
        saved_as="ElectraForPreTraining",
    ),
    "deberta": encoder("deberta", write=published.deberta, shape=DISENTANGLED, ids=BERT_IDS, named=False),
    "deberta-v2": encoder(
        "deberta-v2",
        write=published.deberta_v3,
        shape={**DISENTANGLED, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True},
        ids=BERT_IDS,
        spare=5,
        named=False,
    ),
    "mpnet": encoder("mpnet", write=published.mpnet, ids=ROBERTA_IDS),
    "modernbert": encoder(
        "modernbert",
        write=published.modernbert,
        shape={**SHAPE, "local_attention": 16, "initializer_cutoff_factor": 2.0},
        ids={**BRACKETS, "cls_token_id": "[CLS]", "sep_token_id": "[SEP]"},
        spare=5,
    ),
    "roberta": roberta_like("roberta", write=published.roberta),
    "roberta-json": roberta_like("roberta", write=published.roberta_json),
    "roberta-sentencepiece": roberta_like("roberta", write=sentencepiece_alone, by_auto=False),
    "roberta-prelayernorm": roberta_like("roberta-prelayernorm", write=published.roberta),
    "roberta-prelayernorm-sentencepiece": roberta_like(
        "roberta-prelayernorm", write=sentencepiece_alone, by_auto=False
    ),
    "xlm-roberta": roberta_like("xlm-roberta", write=published.xlm_roberta),
    "xlm-roberta-sentencepiece": roberta_like("xlm-roberta", write=sentencepiece_alone, by_auto=False),
    "camembert": roberta_like("camembert", write=published.camembert),
    "camembert-sentencepiece": roberta_like("camembert", write=partial(published.camembert, converted=False)),
    "xlnet": encoder(
        "xlnet",
        write=published.xlnet,
        shape=XLNET,
        ids={**BOTH_ENDS, "pad_token_id": "<pad>"},
        saved_as="XLNetLMHeadModel",
    ),
    "gpt2": causal_lm("gpt2", write=published.gpt2, shape=GPT2, ids=ONE_END),
    "llama": causal_lm("llama", write=published.llama, shape=GROUPED, ids=BOTH_ENDS),
    "llama3": causal_lm(
        "llama",
        write=published.llama3,
        shape=GROUPED,
        ids={"bos_token_id": "<|begin_of_text|>", "eos_token_id": ["<|end_of_text|>", "<|eot_id|>"]},
    ),
    "qwen2": causal_lm(
        "qwen2", write=published.qwen, shape={**GROUPED, "tie_word_embeddings": True}, ids=ONE_END, spare=8
    ),
    "qwen3": causal_lm("qwen3", write=published.qwen, shape=GROUPED, ids=ONE_END, spare=8),
    "mistral": causal_lm("mistral", write=partial(published.llama, legacy=True), shape=GROUPED, ids=BOTH_ENDS),
    "gemma": causal_lm(
        "gemma",
        write=published.gemma,
        shape=GROUPED,
        ids={"bos_token_id": "<bos>", "eos_token_id": "<eos>", "pad_token_id": "<pad>"},
    ),
    "phi3": causal_lm(
        "phi3",
        write=published.phi3,
        shape=SHAPE,
        ids={"bos_token_id": "<s>", "eos_token_id": published.END, "pad_token_id": published.END},
        spare=8,
    ),
    "opt": causal_lm(
        "opt",
        write=published.opt,
        shape={**OPT, "max_position_embeddings": 256, "init_std": 0.1},
        ids={"bos_token_id": "</s>", "eos_token_id": "</s>", "pad_token_id": "<pad>"},
        spare=4,
    ),
    "gpt_neox": causal_lm("gpt_neox", write=published.gpt_neox, ids=ONE_END, spare=8),
    "falcon": causal_lm("falcon", write=published.falcon, shape=FALCON, ids=ONE_END),
    "bloom": causal_lm(
        "bloom",
        write=published.bloom,
        shape=BLOOM,
        ids={**BOTH_ENDS, "pad_token_id": "<pad>"},
        spare=4,
    ),
}
