"""A directory in Transformers format, and what its config.json says of its shape. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from sweeper.checkpoints.architecture import BLOOM, OTHER, OTHER_ENCODER, ROBERTA, Names, Terms
from sweeper.checkpoints.model_types import Role, known_type
from sweeper.checkpoints.weight_files import WEIGHT_FILES, is_half_precision, tensor_shapes, weight_files
from sweeper.errors import WrongInput
from sweeper.trial.settings import Family

# Model type -> how Transformers starts the names of its body's tensors, when a head is saved with it.
ENCODERS = {
    "roberta": "roberta.",
    "roberta-prelayernorm": "roberta_prelayernorm.",
    "camembert": "roberta.",
    "xlm-roberta": "roberta.",
}
CAUSAL_LMS = {"bloom": "transformer."}
PREFIXES = ENCODERS | CAUSAL_LMS
# How the names of classes end, in config.json, of other causal language models: they are built as it says.
CAUSAL_CLASSES = ("ForCausalLM", "LMHeadModel")
ADAPTER = "adapter_config.json"  # PEFT's
CLASSIFIER = ("classifier.", "score.")  # how the names of a classification head begin
# What every model here has; a checkpoint that says otherwise would be another function of its weights.
FIXED = {
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "apply_residual_connection_post_layernorm": False,
}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's directory; errors name it as `setting` and `given`, what the user wrote."""

    given: str
    directory: Path
    setting: str = "model.path="

    @property
    def stated_in(self) -> str:
        """Name of the file that says its shape."""
        return "config.json"

    def refuse(self, said: str) -> NoReturn:
        """Raise WrongInput with what is wrong with it."""
        raise WrongInput(f"{self.setting}{self.given}{said}")

    def require_weights(self) -> None:
        """Raise WrongInput where no weights lie, or nothing that describes them."""
        if not (self.directory / "config.json").is_file() or not weight_files(self.directory):
            self.refuse(
                " holds no checkpoint of Transformers or fairseq\n"
                f"needed there: config.json and one of {', '.join(WEIGHT_FILES)}; or model.pt and dict.txt\n"
                "without weights: model=rd"
            )
        if (self.directory / ADAPTER).is_file():
            self.refuse(
                f" holds an adapter beside its weights ({ADAPTER}), which Transformers would load unasked\n"
                "needed: weights alone; PEFT merges them: model.merge_and_unload().save_pretrained(DIR)"
            )

    def files(self) -> list[Path]:
        """Return the files that its content is known by: what describes the weights, and the weights."""
        return [self.directory / "config.json", *weight_files(self.directory)]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its tensors by Transformers' names, the body's without the model's prefix.

        Raises WrongInput for files that are not whole.
        """
        prefix = PREFIXES.get(self.model_type, "")
        return {name.removeprefix(prefix): extents for name, extents in tensor_shapes(self.directory).items()}

    def has_head(self) -> bool:
        """Whether its weights bring a classification head."""
        return any(name.startswith(CLASSIFIER) for name in tensor_shapes(self.directory))

    def is_half_precision(self) -> bool:
        """Whether its weights hold numbers of 16 bits."""
        return is_half_precision(self.directory)

    @property
    def says_half_precision(self) -> bool:
        """Whether config.json says that the weights are numbers of 16 bits."""
        return {self.config.get("dtype"), self.config.get("torch_dtype")} & {"float16", "bfloat16"} != set()

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Content of config.json. Raises WrongInput where there is none or when it is no settings."""
        file = self.directory / "config.json"
        try:
            config = json.loads(file.read_bytes())
        except FileNotFoundError:
            self.refuse(f" holds no config.json\nneeded there, as Transformers writes it, beside {WEIGHT_FILES[0]}")
        except ValueError as error:
            raise WrongInput(f"{file} is not valid JSON: {error}\nneeded: a Transformers config.json") from error
        if not isinstance(config, dict):
            raise WrongInput(f"{file} holds no settings\nneeded: a Transformers config.json")
        return config

    @property
    def model_type(self) -> str:
        """What Transformers calls the model. Raises WrongInput where config.json does not say."""
        found = self.config.get("model_type")
        if not isinstance(found, str) or not found:
            self.refuse(
                f": its {self.stated_in} says model_type={found}\nneeded there: a name of Transformers, as bert"
            )
        return found

    @property
    def is_built_by_config(self) -> bool:
        """Whether it is built as its config.json says, whatever that is, not from the architecture's settings."""
        return self.model_type not in PREFIXES

    @property
    def family(self) -> Family:
        """Architecture family: the model's own, by what config.json says of its classes and of what it sees."""
        if not self.is_built_by_config:
            return Family.encoder if self.model_type in ENCODERS else Family.causal_lm
        return Family.causal_lm if self._is_causal() else Family.encoder

    def _is_causal(self) -> bool:
        said, roles = self.config, known_type(self.model_type).roles
        if said.get("is_decoder"):
            return True
        # XLNet and XLM see the whole text, although their classes are called LMHeadModel.
        sees_all = said.get("attn_type", "bi") == "bi" and not said.get("causal", False)
        if Role.bidirectional in roles and sees_all:
            return False
        names = map(str, said.get("architectures") or ())
        return any(name.endswith(CAUSAL_CLASSES) for name in names) or (
            Role.causal in roles and Role.masked not in roles
        )

    @property
    def pad_id(self) -> int:
        """Id of <pad>; RoBERTa's is 1 where config.json does not say."""
        found = self.config.get("pad_token_id")
        return 1 if found is None else int(found)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """What each row of the embedding stands for, where something beside the tokenizer says so."""
        return ()

    @property
    def rows(self) -> int | None:
        """Rows of the embedding; None where nothing but a tokenizer lies, or a model without one."""
        if not (self.directory / "config.json").is_file():
            return None
        return self._stated_shape()["vocabulary_size"] if self.is_built_by_config else self.number(("vocab_size",))

    @property
    def terms(self) -> Terms:
        """What the settings are called in its config.json."""
        encoder = self.family is Family.encoder
        if self.is_built_by_config:
            return OTHER_ENCODER if encoder else OTHER
        return ROBERTA if encoder else BLOOM

    @property
    def stated(self) -> Mapping[str, Any]:
        """The part of config.json that tells the shape of what reads texts."""
        within = known_type(self.model_type).within if self.is_built_by_config else None
        section = self.config.get(within) if within else None
        return section if isinstance(section, dict) else self.config

    def shape(self) -> dict[str, Any]:
        """Return the architecture settings that its weights determine. Raises WrongInput for what is not built here."""
        if self.is_built_by_config:
            return {"model_type": self.model_type, **self._stated_shape()}
        for key, value in FIXED.items():
            if self.config.get(key, value) != value:
                self.refuse(f": its {self.stated_in} says {key}={self.config[key]}\nallowed: {key}={value}")
        shape: dict[str, Any] = {name: self.number(keys) for name, keys in self.terms.shape.items()}
        if self.family is Family.encoder:
            if not 0 <= self.pad_id < min(shape["vocabulary_size"], shape["positions"] - 1):
                self.refuse(
                    f": its {self.stated_in} says pad_token_id={self.pad_id} of {shape['vocabulary_size']} ids and"
                    f" {shape['positions']} positions\nneeded there: the id of <pad>, as its tokenizer has it"
                )
            shape["positions"] -= self.pad_id + 1  # RoBERTa counts them from the id after <pad>
        shape |= self.with_defaults(self.terms.defaults)
        if shape.get("feed_forward") is None:
            shape["feed_forward"] = 4 * shape["width"]
        return {"model_type": self.model_type, **shape}

    def _stated_shape(self) -> dict[str, Any]:
        # By the usual names, else by the names of its class, else by its defaults; 0: none, or differing.
        shape: dict[str, Any] = {}
        for setting, usual in {**OTHER.shape, "feed_forward": OTHER.defaults["feed_forward"][0]}.items():
            own, default = known_type(self.model_type).shape.get(setting, ("", 0))
            names = [name for name in (*usual, own) if self.stated.get(name) is not None]
            value = self.stated[names[0]] if names else default
            if isinstance(value, str | bool) or (isinstance(value, int) and value < 0):
                self.refuse(f": its {self.stated_in} says {names[0]}={value}\nneeded there: a positive integer")
            shape[setting] = value if isinstance(value, int) else 0
        shape["feed_forward"] = shape["feed_forward"] or 4 * shape["width"]
        shape["vocabulary_size"] = shape["vocabulary_size"] or None
        return shape

    def settings(self) -> dict[str, Any]:
        """Return the shape, and how random weights of it are drawn and dropped out, as config.json says."""
        return self.shape() | self.with_defaults(self.terms.drawn)

    def with_defaults(self, wanted: Mapping[str, tuple[Names, Any]]) -> dict[str, Any]:
        """Return settings by the first of their names that is there and not null, else their defaults."""
        return {
            setting: next((self.stated[name] for name in names if self.stated.get(name) is not None), default)
            for setting, (names, default) in wanted.items()
        }

    def number(self, keys: Names) -> int:
        """Return a positive integer of config.json by its first name that is there. Raises WrongInput without it."""
        key = next((key for key in keys if key in self.config), None)
        if key is None:
            self.refuse(f": its {self.stated_in} does not say {keys[0]}\nneeded there: one of {', '.join(keys)}")
        value = self.config[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(f": its {self.stated_in} says {key}={value}\nneeded there: an integer of at least 1")
        return value
