"""What a causal language model under an adapter cannot be, read or answer."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.numpy import save_file

from tests.checkpoint_files import write_bloom, zeros
from tests.integration.door import Case

LORA = "framework=lora"
BLOOM = f"{LORA} arch=of_model model.path=lora_bloom"
GPT2 = f"{LORA} arch=of_model model.path=lora_gpt2"
FILES = "data=files data.path=files_good tokenizer.kind=word"
LETTERS = "data.verbalisers.negative=bie data.verbalisers.positive=ieb framework.lora.target_modules=[c_attn]"
WORDS = "data.verbalisers.negative=mal data.verbalisers.positive=bien"
CASES = [
    Case(f"{LORA} arch=bloom_560m model=pt", ("names no weights for arch=bloom_560m", "model.path=DIR")),
    # Types and ranges.
    Case(f"{LORA} framework.lora.r=0", ("framework.lora.r=0", "at least 1")),
    Case(f"{LORA} framework.lora.alpha=0", ("framework.lora.alpha=0", "at least 1")),
    Case(f"{LORA} framework.lora.dropout=1", ("framework.lora.dropout=1.0", "below 1")),
    Case(f"{LORA} framework.lora.bias=some", ("framework.lora.bias=some", "none, all, lora_only")),
    Case(f"{LORA} framework.lora.task_type=SEQ_CLS", ("framework.lora.task_type=SEQ_CLS", "CAUSAL_LM")),
    Case(f"{LORA} framework.lora.quantization=int8", ("framework.lora.quantization=int8", "nf4")),
    Case(f"{LORA} framework.lora.target_modules=query_key_value", ("framework.lora.target_modules", "list")),
    Case(f"{LORA} framework.lora.target_modules=[]", ("framework.lora.target_modules=[]", "[query_key_value]")),
    Case(f"{LORA} framework.lora.lr=1", ("framework.lora.lr", "unknown key")),
    # What does not go together, or not here.
    Case(f"{LORA} framework.lora.quantization=nf4", ("quantization=nf4", "CUDA device", "null")),
    Case(f"{LORA} train.precision=fp16", ("train.precision=fp16", "needs a GPU")),
    Case(f"{LORA} framework.lora.target_modules=[q_proj]", ("layer q_proj", "query_key_value, dense, dense_h_to_4h")),
    Case(f"{LORA} framework.lora.target_modules=[dense,lm_head]", ("no layer lm_head", "dense_4h_to_h")),
    Case(f"{LORA} train.max_length=5", ("train.max_length=5", "6 or more")),
    Case(f"{LORA} train.max_length=63", ("train.max_length=63", "at most 62")),
    # An encoder for lora, a causal language model for hf.
    Case(f"{LORA} arch=roberta_tiny", ("arch=roberta_tiny", "family causal_lm", "causal_lm:")),
    Case(f"{LORA} arch.causal_lm.model_type=roberta", ("model_type=roberta", "bloom", "framework=hf")),
    Case(f"{LORA} framework.family=encoder framework.lora.classify=verbaliser", ("needs a causal", "classify=head")),
    Case(f"{LORA} model.path=weights_good framework.lora.classify=verbaliser", ("needs a causal", "classify=head")),
    Case("framework=fairseq arch=of_model model.path=lora_gpt2", ("model_type=gpt2", "roberta", "framework=hf")),
    # Other causal language models.
    Case(f"{LORA} arch.causal_lm.model_type=gpt2", ("model_type=gpt2", "arch=of_model model.path=DIR")),
    Case(f"{GPT2} framework.lora.target_modules=[c_attn,nope]", ("gpt2 has no layer nope", "c_attn, c_fc")),
    Case(f"{GPT2} framework.lora.target_modules=[wte]", ("gpt2 has no layer wte", "c_attn, c_fc")),
    Case(f"{GPT2} arch.causal_lm.layers=3", ("model.path=lora_gpt2", "another shape", "arch.causal_lm.layers=1")),
    Case(f"{GPT2} model=rd arch.causal_lm.layers=3", ("arch.causal_lm.layers=3", "lora_gpt2 says, 1")),
    Case(f"{GPT2} train.max_length=65", ("train.max_length=65", "at most 64")),
    # Words that tell no class.
    Case(f"{LORA} data.verbalisers.negative=''", ("data.verbalisers.negative=''", "empty")),
    Case(f"{LORA} data.verbalisers.negative=wonderful", ("negative=wonderful", "positive=wonderful", "the same")),
    Case(f"{LORA} data.verbalisers.neutral=fair", ("data.verbalisers.neutral", "negative, positive")),
    Case(f"{LORA} {FILES} data.verbalisers.neg=mal", ("data.verbalisers.neg", "data.verbalisers={neg: VALUE}")),
    Case(f"{LORA} {FILES} data.verbalisers=[a,b]", ("data.verbalisers=['a', 'b']", "{neg: …, pos: …}")),
    Case(f"{LORA} {FILES} data.verbalisers={{pos:bon,neutre:moyen}}", ("lacks the class 'neg'", "{neg: …, pos: …}")),
    Case(f"{LORA} {FILES} data.verbalisers={{pos:a,neg:b,neu:c}}", ("unknown class 'neu'", "{neg: …, pos: …}")),
    Case(f"{BLOOM} train.max_length=40", ("data.verbalisers.negative=bad", "only <unk>")),
    Case(f"{BLOOM} train.max_length=40 {WORDS}o", ("data.verbalisers.positive=bieno", "only <unk>")),
    Case(f"{GPT2} {LETTERS} data.verbalisers.negative=mal", ("data.verbalisers.negative=mal", "no piece at all")),
    Case(f"{GPT2} {LETTERS} train.max_length=6", ("train.max_length=6", "no room for a question", "at least 7")),
]


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with lora_."""
    place = write_bloom(directory / "lora_bloom")
    content = json.loads((place / "tokenizer.json").read_text())
    (place / "tokenizer.json").write_text(json.dumps({**content, "pre_tokenizer": {"type": "WhitespaceSplit"}}))
    write_gpt2(directory / "lora_gpt2")


def write_gpt2(directory: Path) -> None:
    """A GPT-2 with its tokenizer, whose one special piece has a name of its own."""
    directory.mkdir()
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 1, "n_embd": 8, "n_head": 2}
    config |= {"bos_token_id": 0, "eos_token_id": 0}
    (directory / "config.json").write_text(json.dumps({**config, "n_positions": 64, "vocab_size": 8}))
    shapes = {"wte": (8, 8), "wpe": (64, 8), "h.0.attn.c_attn": (8, 24), "h.0.mlp.c_fc": (8, 32)}
    save_file(zeros({f"{name}.weight": shape for name, shape in shapes.items()}), directory / "model.safetensors")
    vocabulary = {"type": "BPE", "vocab": {"<|endoftext|>": 0, "b": 1, "i": 2, "e": 3}, "merges": []}
    added = {"id": 0, "content": "<|endoftext|>", "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    content = {"version": "1.0", "model": vocabulary, "added_tokens": [{**added, **flags}]}
    (directory / "tokenizer.json").write_text(json.dumps(content))
    (directory / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
