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
from tokenizers import AddedToken, Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel

from tests.zoo import tokenizer_files as files
from tests.zoo.tokenizer_files import BPE, ROBERTA, Ids

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


def bert(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=True, model_max_length=512)
    return files.wordpieces(directory, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])


def mpnet(directory: Path) -> Ids:
    special = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "[UNK]"}
    files.write_config(directory, do_lower_case=True, **special, pad_token="<pad>", mask_token="<mask>")
    return files.wordpieces(directory, ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"])


def roberta(directory: Path) -> Ids:
    return files.byte_pairs(directory, ROBERTA[:-1], last=ROBERTA[-1:])


def roberta_json(directory: Path) -> Ids:
    """As Transformers itself saves one."""
    files.write_special(directory, bos_token="<s>", eos_token="</s>", mask_token=files.mask_of("<mask>"))
    return files.byte_pairs_in_one_file(
        directory, ROBERTA[:-1], ("<s> $A </s>", "<s> $A </s> </s> $B:0 </s>"), last=ROBERTA[-1:]
    )


def deberta(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=False, vocab_type="gpt2")
    return files.byte_pairs(directory, ["[CLS]", "[PAD]", "[SEP]", "[UNK]"], last=["[MASK]"])


def deberta_v3(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=False, vocab_type="spm")
    names: dict[str, Any] = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    model = files.sentencepieces(directory, "spm.model", pad_id=0, bos_id=1, eos_id=2, unk_id=3, **names)
    return {name: number for number, (name, _) in enumerate([*files.scored(model), ("[MASK]", 0.0)])}


def albert(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=True, keep_accents=False, model_max_length=512)
    names: dict[str, Any] = {"bos_piece": "[CLS]", "eos_piece": "[SEP]", "control_symbols": ["[MASK]"]}
    model = files.sentencepieces(directory, "spiece.model", pad_id=0, unk_id=1, bos_id=2, eos_id=3, **names)
    ids = files.unigram_json(directory, model, "AlbertTokenizer", files.scored(model))
    return framed(directory, ids, ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"))


def xlnet(directory: Path) -> Ids:
    control = ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    model = files.sentencepieces(directory, "spiece.model", control_symbols=control)
    ids = files.unigram_json(directory, model, "XLNetTokenizer", files.scored(model))
    return framed(directory, ids, ("$A:0 <sep>:0 <cls>:2", "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2"))


def framed(directory: Path, ids: Ids, frame: tuple[str, str]) -> Ids:
    """Make sure that a tokenizer.json puts texts into a frame, as the published one does."""
    file = directory / "tokenizer.json"
    read = Tokenizer.from_file(str(file))
    read.post_processor = files.template(frame, ids)
    read.save(str(file))
    return ids


def xlm_roberta(directory: Path, converted: bool = True, name: str = "sentencepiece.bpe.model") -> Ids:
    """sentencepiece's pieces, shifted by one for fairseq's order; RoBERTa is read the same way here."""
    model = files.sentencepieces(directory, name)
    special = [(piece, 0.0) for piece in ROBERTA]
    pieces = [*special[:-1], *files.scored(model)[3:], special[-1]]
    if converted:
        files.write_config(directory, model_max_length=512)
        return files.unigram_json(directory, model, "XLMRobertaTokenizer", pieces)
    return {name: number for number, (name, _) in enumerate(pieces)}


def camembert(directory: Path, converted: bool = True) -> Ids:
    model = files.sentencepieces(directory, "sentencepiece.bpe.model")
    special = [(piece, 0.0) for piece in ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>")]
    pieces = [*special, ("<unk>NOTUSED", -100.0), *files.scored(model)[1:], ("<mask>", 0.0)]
    if converted:
        files.write_config(directory, model_max_length=512)
        return files.unigram_json(directory, model, "CamembertTokenizer", pieces)
    return {name: number for number, (name, _) in enumerate(pieces)}


def modernbert(directory: Path) -> Ids:
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    inputs = ["input_ids", "attention_mask"]
    kind = "PreTrainedTokenizerFast"
    files.write_config(directory, **special, unk_token="[UNK]", model_input_names=inputs, tokenizer_class=kind)
    frame = ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    return files.byte_pairs_in_one_file(directory, [], frame, last=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])


END = "<|endoftext|>"


def gpt2(directory: Path) -> Ids:
    """Its end token stands in config.json only."""
    ids = files.byte_pairs(directory, [], last=[END])
    files.byte_pairs_in_one_file(directory, [], last=[END])
    files.write_config(directory, model_max_length=1024)
    return ids


def qwen(directory: Path) -> Ids:
    """Special pieces come after those of vocab.json; the tokenizer has no beginning, config.json names one."""
    last = [END, "<|im_start|>", "<|im_end|>"]
    before = files.byte_pairs(directory, [])
    ids = files.byte_pairs_in_one_file(directory, [], last=last)
    assert ids.keys() - {*last} == before.keys()
    added = {
        str(ids[piece]): {"content": piece, "lstrip": False, "normalized": False, "rstrip": False, "special": True}
        for piece in last
    }
    files.write_config(
        directory,
        add_prefix_space=False,
        added_tokens_decoder=added,
        additional_special_tokens=last[1:],
        bos_token=None,
        eos_token=END,
        pad_token=END,
        unk_token=None,
        tokenizer_class="Qwen2Tokenizer",
    )
    return ids


def opt(directory: Path) -> Ids:
    """It begins a text with its end token."""
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
    files.write_config(
        directory,
        **special,
        errors="replace",
        add_prefix_space=False,
        add_bos_token=True,
        tokenizer_class="GPT2Tokenizer",
    )
    files.write_special(directory, **special)
    return files.byte_pairs(directory, ["<s>", "<pad>", "</s>", "<unk>"])


LLAMA_FRAME = ("<s> $A", "<s> $A <s>:1 $B:1")
LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None}


AS_IT_STANDS = {"byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity"}


def llama(directory: Path, legacy: bool = False) -> Ids:
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **AS_IT_STANDS)
    files.write_config(
        directory, **LLAMA, add_bos_token=True, add_eos_token=False, legacy=legacy, tokenizer_class="LlamaTokenizer"
    )
    files.write_special(directory, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    return files.bpe_json(directory, model, "LlamaTokenizer", LLAMA_FRAME)


def llama3(directory: Path) -> Ids:
    """No sentencepiece any more, and its end is a list in config.json."""
    last = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    files.write_config(directory, bos_token=last[0], eos_token=last[1], tokenizer_class="PreTrainedTokenizerFast")
    frame = ("<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1")
    return files.byte_pairs_in_one_file(directory, [], frame, last=last)


def phi3(directory: Path) -> Ids:
    """LLaMA's pieces, with an end of its own that comes after all, no beginning, and padded to the left."""
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **AS_IT_STANDS)
    ids = files.bpe_json(directory, model, "LlamaTokenizer", ("$A", "$A $B:1"))
    read = Tokenizer.from_file(str(directory / "tokenizer.json"))
    read.add_special_tokens([AddedToken(END, special=True, normalized=False)])
    read.save(str(directory / "tokenizer.json"))
    special = {**LLAMA, "eos_token": END, "pad_token": END, "padding_side": "left"}
    files.write_config(directory, **special, add_bos_token=False, add_eos_token=False, tokenizer_class="LlamaTokenizer")
    return {**ids, END: len(ids)}


def gemma(directory: Path) -> Ids:
    settings = {**AS_IT_STANDS, "add_dummy_prefix": False}
    names = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "eos_piece": "<eos>", "bos_piece": "<bos>"}
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **settings, **names)
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    files.write_config(directory, **special, add_bos_token=True, add_eos_token=False, tokenizer_class="GemmaTokenizer")
    files.write_special(directory, **special)
    return files.bpe_json(directory, model, "GemmaTokenizer", ("<bos> $A", "<bos> $A <bos>:1 $B:1"))


def gpt_neox(directory: Path) -> Ids:
    special = {"bos_token": END, "eos_token": END, "unk_token": END}
    files.write_config(directory, **special, add_prefix_space=False, tokenizer_class="GPTNeoXTokenizer")
    return files.byte_pairs_in_one_file(directory, [END, "<|padding|>"])


def falcon(directory: Path) -> Ids:
    inputs = ["input_ids", "attention_mask"]
    kind = "PreTrainedTokenizerFast"
    files.write_config(directory, eos_token=END, model_input_names=inputs, model_max_length=2048, tokenizer_class=kind)
    return files.byte_pairs_in_one_file(directory, [">>TITLE<<", ">>ABSTRACT<<", END])


def bloom(directory: Path) -> Ids:
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    files.write_config(directory, **special, padding_side="left", tokenizer_class="BloomTokenizerFast")
    files.write_special(directory, **special)
    return files.byte_pairs_in_one_file(directory, ["<unk>", "<s>", "</s>", "<pad>"])


BERT_IDS = {"pad_token_id": "[PAD]"}
ROBERTA_IDS = {"bos_token_id": "<s>", "pad_token_id": "<pad>", "eos_token_id": "</s>"}
BRACKETS = {"bos_token_id": "[CLS]", "eos_token_id": "[SEP]", "pad_token_id": "[PAD]"}
BOTH_ENDS = {"bos_token_id": "<s>", "eos_token_id": "</s>"}
ONE_END = {"bos_token_id": END, "eos_token_id": END}
ONE_SEGMENT = {**SHAPE, "type_vocab_size": 1, "layer_norm_eps": 1e-5}

encoder = partial(Kind, family=ENCODER, shape=SHAPE)
causal_lm = partial(Kind, family=CAUSAL_LM, shape=SHAPE)
roberta_like = partial(encoder, shape=ONE_SEGMENT, ids=ROBERTA_IDS)
sentencepiece_alone = partial(xlm_roberta, converted=False)

# As tests call it -> the kind. What lies beside each is what Transformers makes of it.
ZOO: Mapping[str, Kind] = {
    "bert": encoder("bert", write=bert, ids=BERT_IDS, saved_as="BertForPreTraining"),
    "distilbert": encoder("distilbert", write=bert, shape=DISTILBERT, ids=BERT_IDS),
    "albert": encoder(
        "albert",
        write=albert,
        shape={**SHAPE, "embedding_size": 16},
        ids={"bos_token_id": "[CLS]", "eos_token_id": "[SEP]", "pad_token_id": "<pad>"},
    ),
    "electra": encoder(
        "electra", write=bert, shape={**SHAPE, "embedding_size": 16}, ids=BERT_IDS, saved_as="ElectraForPreTraining"
    ),
    "deberta": encoder("deberta", write=deberta, shape=DISENTANGLED, ids=BERT_IDS, named=False),
    "deberta-v2": encoder(
        "deberta-v2",
        write=deberta_v3,
        shape={**DISENTANGLED, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True},
        ids=BERT_IDS,
        spare=5,
        named=False,
    ),
    "mpnet": encoder("mpnet", write=mpnet, ids=ROBERTA_IDS),
    "modernbert": encoder(
        "modernbert",
        write=modernbert,
        shape={**SHAPE, "local_attention": 16, "initializer_cutoff_factor": 2.0},
        ids={**BRACKETS, "cls_token_id": "[CLS]", "sep_token_id": "[SEP]"},
        spare=5,
    ),
    "roberta": roberta_like("roberta", write=roberta),
    "roberta-json": roberta_like("roberta", write=roberta_json),
    "roberta-sentencepiece": roberta_like("roberta", write=sentencepiece_alone, by_auto=False),
    "roberta-prelayernorm": roberta_like("roberta-prelayernorm", write=roberta),
    "roberta-prelayernorm-sentencepiece": roberta_like(
        "roberta-prelayernorm", write=sentencepiece_alone, by_auto=False
    ),
    "xlm-roberta": roberta_like("xlm-roberta", write=xlm_roberta),
    "xlm-roberta-sentencepiece": roberta_like("xlm-roberta", write=sentencepiece_alone, by_auto=False),
    "camembert": roberta_like("camembert", write=camembert),
    "camembert-sentencepiece": roberta_like("camembert", write=partial(camembert, converted=False)),
    "xlnet": encoder(
        "xlnet", write=xlnet, shape=XLNET, ids={**BOTH_ENDS, "pad_token_id": "<pad>"}, saved_as="XLNetLMHeadModel"
    ),
    "gpt2": causal_lm("gpt2", write=gpt2, shape=GPT2, ids=ONE_END),
    "llama": causal_lm("llama", write=llama, shape=GROUPED, ids=BOTH_ENDS),
    "llama3": causal_lm(
        "llama",
        write=llama3,
        shape=GROUPED,
        ids={"bos_token_id": "<|begin_of_text|>", "eos_token_id": ["<|end_of_text|>", "<|eot_id|>"]},
    ),
    "qwen2": causal_lm("qwen2", write=qwen, shape={**GROUPED, "tie_word_embeddings": True}, ids=ONE_END, spare=8),
    "qwen3": causal_lm("qwen3", write=qwen, shape=GROUPED, ids=ONE_END, spare=8),
    "mistral": causal_lm("mistral", write=partial(llama, legacy=True), shape=GROUPED, ids=BOTH_ENDS),
    "gemma": causal_lm(
        "gemma",
        write=gemma,
        shape=GROUPED,
        ids={"bos_token_id": "<bos>", "eos_token_id": "<eos>", "pad_token_id": "<pad>"},
    ),
    "phi3": causal_lm(
        "phi3",
        write=phi3,
        shape=SHAPE,
        ids={"bos_token_id": "<s>", "eos_token_id": END, "pad_token_id": END},
        spare=8,
    ),
    "opt": causal_lm(
        "opt",
        write=opt,
        shape={**OPT, "max_position_embeddings": 256, "init_std": 0.1},
        ids={"bos_token_id": "</s>", "eos_token_id": "</s>", "pad_token_id": "<pad>"},
        spare=4,
    ),
    "gpt_neox": causal_lm("gpt_neox", write=gpt_neox, ids=ONE_END, spare=8),
    "falcon": causal_lm("falcon", write=falcon, shape=FALCON, ids=ONE_END),
    "bloom": causal_lm(
        "bloom",
        write=bloom,
        shape=BLOOM,
        ids={**BOTH_ENDS, "pad_token_id": "<pad>"},
        spare=4,
    ),
}
