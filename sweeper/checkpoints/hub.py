"""model.path as a directory: one here, or one that is fetched from the Hugging Face hub into its own cache."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.fairseq_directory import checkpoint_in
from sweeper.checkpoints.weight_files import weight_files
from sweeper.errors import WrongInput, first_line
from sweeper.records.files import expanded
from sweeper.tokens.tokenizer import PIECES, TRANSFORMERS_FILES

DESCRIPTION = ("config.json", *TRANSFORMERS_FILES, PIECES, "*.model")
SAFETENSORS = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
PICKLES = ("pytorch_model.bin", "pytorch_model-*-of-*.bin", "pytorch_model.bin.index.json")


def locate(given: str, weights: bool) -> Checkpoint:
    """Return the checkpoint that model.path names: a directory here wins over a hub name.

    Only with `weights` they are fetched too. Raises WrongInput when there is neither.
    """
    directory = expanded("model.path", given)
    if directory.is_dir():
        return checkpoint_in(directory, given)
    if looks_local(given):
        raise WrongInput(
            f"model.path={given}: no such directory\n"
            "allowed: a Transformers or fairseq directory, or OWNER/NAME on the hub"
        )
    return Checkpoint(given, fetch(given, weights))


def looks_local(path: str) -> bool:
    """Whether a path cannot be a hub name: OWNER/NAME, NAME, or one of these with @REVISION."""
    return Path(path).exists() or path.startswith((".", "/", "~")) or path.partition("@")[0].count("/") > 1


@cache
def fetch(name: str, weights: bool) -> Path:
    """Return the directory in HF's cache (HF_HOME) that holds a model of the hub; downloads what is missing.

    A hub that does not answer is no obstacle when all is in the cache. Raises WrongInput for what cannot be fetched.
    """
    import httpx2
    from huggingface_hub import HfApi, constants, snapshot_download

    repository, _, revision = name.partition("@")
    refused: Exception | None = None
    try:
        # snapshot_download would ask the same, but wait without end for an answer.
        HfApi().model_info(repository, revision=revision or None, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        refused = error

    def snapshot(*patterns: str) -> Path:
        found = snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=[*DESCRIPTION, *patterns],
            local_files_only=refused is not None,
        )
        return Path(found)

    try:
        directory = snapshot(*SAFETENSORS) if weights else snapshot()
        if weights and not weight_files(directory):
            directory = snapshot(*PICKLES)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise _cannot_be_fetched(name, refused or error) from error
    return directory


def _cannot_be_fetched(name: str, error: Exception) -> WrongInput:
    return WrongInput(
        f"model.path={name}: no directory here, and as a hub name it cannot be fetched: {_reason(error)}\n"
        "allowed: DIR, OWNER/NAME, OWNER/NAME@REVISION\n"
        "where there is no network: download it elsewhere, then model.path=DIR"
    )


def _reason(error: Exception) -> str:
    import httpx2
    from huggingface_hub import constants, errors

    reasons: dict[type[Exception], str] = {  # a gated one is not found, too
        errors.GatedRepoError: "gated: ask for access on its page, then hf auth login",
        errors.RepositoryNotFoundError: "not on the hub, or private (then hf auth login)",
        errors.RevisionNotFoundError: "no such revision",
        errors.HFValidationError: "not a name that the hub can have",
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set, and it is not in the cache",
        httpx2.TransportError: f"{constants.ENDPOINT} does not answer ({type(error).__name__})",
    }
    if known := next((said for kind, said in reasons.items() if isinstance(error, kind)), None):
        return known
    return first_line(error)[:150]
