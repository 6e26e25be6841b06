"""train.gradient_accumulation in every framework: an update of several batches is that of one large batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sweeper.backends.local.backend import LocalBackend
from sweeper.frameworks import load_framework
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import (
    EPOCHS,
    EXAMPLES,
    PARAMETERS,
    STEPS_PER_EPOCH,
    Laboratory,
    best_weights,
    events,
    make_trial,
    values,
)
from tests.contracts.interruptions import INTERRUPTED, KILLED, run_until, updates

if TYPE_CHECKING:
    from torch import Tensor

# With a large eps Adam is no longer indifferent to the size of gradients.
NO_CHANCE = [
    "train.eps=1",
    "train.gradient_clip=0",
    "train.learning_rate=1",
    "framework.lora.dropout=0",
    *(f"arch.{family}.{name}=0" for family in ("encoder", "causal_lm") for name in ("dropout", "attention_dropout")),
]
WORDS = "data.verbalisers={negative: not wonderful, positive: wonderful}"  # answers of different lengths
HALVED = ("train.batch_size=4", "train.gradient_accumulation=2")  # as many updates as with batches of 8


@pytest.fixture(scope="module", params=PARAMETERS)
def laboratory(outputs: Path, backend: LocalBackend, request: pytest.FixtureRequest) -> Laboratory:
    return Laboratory(outputs, backend, request.param)


def tensors(trial: Trial, directory: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    exported = directory.with_name(f"{directory.name}.exported")
    load_framework(trial).export(directory, exported)
    return load_file(exported / "model.safetensors")


def check_alike(laboratory: Laboratory, whole: Trial, parts: Trial, name: str) -> None:
    """Compare two trials, up to rounding."""
    first, second = laboratory.run({f"{name}, whole": whole, f"{name}, in parts": parts})
    for key in ("train/loss", "valid/loss", "test/loss"):
        found = values(second, key)
        assert found == pytest.approx(values(first, key), rel=1e-4), key
        assert max(found) - min(found) > 1e-2, "nothing is learnt"
    assert [step for *_, step in events(first)] == [step for *_, step in events(second)]
    expected = tensors(whole, first)
    for weight, tensor in tensors(parts, second).items():
        assert tensor.numpy() == pytest.approx(expected[weight].numpy(), abs=1e-4), weight


def test_batches_of_different_sizes_make_the_update_of_all_examples(laboratory: Laboratory) -> None:
    """Also where answers differ in length: each id counts, whichever batch it is in."""
    asked = [*NO_CHANCE, *([WORDS] if laboratory.framework == "lora" else [])]
    whole = laboratory.trial(*asked, f"train.batch_size={EXAMPLES}")
    parts = laboratory.trial(*asked, "train.batch_size=16", "train.gradient_accumulation=3")
    assert EXAMPLES % 16 and whole.id != parts.id
    check_alike(laboratory, whole, parts, "all at once")


def test_two_batches_of_four_are_one_of_eight(laboratory: Laboratory) -> None:
    """The last update of an epoch has one batch, of four."""
    if laboratory.framework == "fairseq":
        pytest.skip("its batches are drawn once, so that two of four hold other examples than one of eight")
    check_alike(laboratory, laboratory.trial(*NO_CHANCE), laboratory.trial(*NO_CHANCE, *HALVED), "halved")


def test_updates_are_counted_and_interrupted_as_ever(laboratory: Laboratory) -> None:
    trial = laboratory.trial(*HALVED)
    (undisturbed,) = laboratory.run({"undisturbed": trial})
    steps = [step for key, _, _, step in events(undisturbed) if key == "train/loss"]
    assert steps == [STEPS_PER_EPOCH * epoch for epoch in range(1, EPOCHS + 1)]
    moments = {"in the middle of epoch 3": INTERRUPTED, "killed in epoch 1": KILLED}
    for moment, end in moments.items():
        directory = laboratory.place / f"halved, {moment}"
        call = run_until(trial, directory, moment)
        assert laboratory.call({directory.name: call}) == {directory.name: end}
        assert laboratory.call({directory.name: run_until(trial, directory)}) == {directory.name: ""}
        # What was killed before its first checkpoint begins anew.
        assert updates(directory)[-STEPS_PER_EPOCH * EPOCHS :] == [*range(1, STEPS_PER_EPOCH * EPOCHS + 1)]
        assert Record(directory).status() is Status.DONE
        assert events(directory) == events(undisturbed)
        assert best_weights(trial, directory) == best_weights(trial, undisturbed)


def test_max_steps_counts_updates(laboratory: Laboratory) -> None:
    (directory,) = laboratory.run({"cut": laboratory.trial(*HALVED, "train.max_steps=8")})
    assert [(epoch, step) for key, _, epoch, step in events(directory) if key == "train/loss"] == [(1, 6), (2, 8)]


def test_one_batch_an_update_is_no_part_of_the_identity(tmp_path: Path) -> None:
    assert make_trial(tmp_path, "train.gradient_accumulation=1").id == make_trial(tmp_path).id
    assert make_trial(tmp_path, "train.gradient_accumulation=2").id != make_trial(tmp_path).id
