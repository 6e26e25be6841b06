"""A framework of one's own: a linear classifier on the words of a text, whatever their order."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sweeper.errors import WrongInput
from sweeper.frameworks import Report, inputs, metrics
from sweeper.trial import Trial

WEIGHTS = "weights.pt"


class BagOfWords:
    """The four methods of `sweeper.frameworks.Framework`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what it cannot do: it has no body that could be pretrained."""
        if trial.model.pretrained:
            raise WrongInput(f"framework=bag_of_words does not do model={trial.model.name}\nallowed: model=rd")

    def build(self, trial: Trial) -> nn.Module:
        """Return the mean of the words' rows, one number a class."""
        torch.manual_seed(trial.seed)
        return nn.EmbeddingBag(inputs.tokenizer(trial).size, len(trial.data.label_names()), mode="mean")

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Train epoch by epoch; one that was interrupted starts anew and comes to the same numbers."""
        model, splits = self.build(trial), inputs.tokenized(trial)
        optimizer = torch.optim.Adam(model.parameters(), lr=float(trial.framework.options["learning_rate"]))
        order = torch.Generator().manual_seed(trial.data_seed)
        step, updates = 0, -(-len(splits["train"]) // trial.train.batch_size)
        for epoch in range(1, trial.train.epochs + 1):
            total = 0.0
            rows = torch.randperm(len(splits["train"]), generator=order).tolist()
            for start in range(0, len(rows), trial.train.batch_size):
                batch = splits["train"][rows[start : start + trial.train.batch_size]]
                loss = cross_entropy(logits(model, batch["input_ids"]), torch.tensor(batch["labels"]))
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                step, total = step + 1, total + loss.item()
                report.progress(epoch, step, updates * trial.train.epochs, loss.item)
            found, outputs = {"train/loss": total / updates}, {}
            for split in ("valid", "test"):
                with torch.no_grad():
                    outputs[split] = logits(model, splits[split]["input_ids"]).numpy()
                labels = torch.tensor(splits[split]["labels"]).numpy()
                measured = metrics.classification_metrics(outputs[split], labels)
                found |= {f"{split}/{name}": value for name, value in measured.items()}
            if report.epoch(epoch, step, found):
                (directory / "best").mkdir(exist_ok=True)
                torch.save(model.state_dict(), directory / "best" / WEIGHTS)
                report.predictions(outputs)

    def export(self, directory: Path, destination: Path) -> None:
        """Copy the best weights."""
        shutil.copytree(directory / "best", destination)


def logits(model: nn.Module, texts: list[list[int]]) -> Tensor:
    """Return a row of scores a text, one for each class."""
    starts = torch.tensor([0, *map(len, texts)][:-1]).cumsum(0)
    scores: Tensor = model(torch.tensor([piece for text in texts for piece in text]), starts)
    return scores
