"""Settings that are unknown, of the wrong type, out of range, or at odds with each other, group by group."""

from __future__ import annotations

from pathlib import Path

from tests.integration.door import Case

CASES = [
    # What is no setting of ours at all.
    Case("--resolve", ("--resolve", "--cfg job")),
    Case("-m seed=range(1,1)", ("no combination", "range")),
    Case("seed=range(1,4)", ("seed=range(1,4)", "-m")),
    Case("outputs=", ("outputs= is empty",)),
    Case("hydra.launcher.jobs=1000000", ("hydra.launcher.jobs=1000000", "or fewer")),
    Case("seed", ("seed", "KEY=VALUE")),
    Case("--jobs 4", ("--jobs",)),
    Case("--study=mine", ("--study=mine: unknown option", "KEY=VALUE")),
    Case("frmework=hf", ("frmework", "did you mean framework?")),
    Case("+foo=1", ("foo: unknown key", "train")),
    Case("~groop", ("groop", "default")),
    # A group without a choice, or with what is no choice.
    Case("~model", ("model must be one choice", "-m")),
    Case("~train", ("train is taken away", "without ~train")),
    Case("~train.epochs", ("train.epochs", "default")),
    Case("~model.path", ("model.path", "default")),
    Case("arch=null", ("arch=null", "one of its choices")),
    Case("model=[pt,rd]", ("model must be one choice", "-m")),
    Case("model=xx", ("model=xx", "pt, rd")),
    Case("-m model=pt,xx", ("model=xx", "pt, rd")),
    Case("framework=xx", ("framework=xx", "hf")),
    Case("arch=xx", ("arch=xx", "of_model", "roberta_tiny")),
    Case("task=xx", ("task=xx", "classification")),
    Case("data=xx", ("data=xx", "demo")),
    Case("experiment=xx", ("experiment=xx", "pt_vs_rd_cls_books")),
    Case("tracking=xx", ("tracking=xx", "none, sqlite")),
    Case("hydra/launcher=xx", ("hydra/launcher=xx", "local")),
    Case("hydra/launcher=basic", ("hydra/launcher=basic", "local")),
    Case("-m hydra/launcher=basic seed=1,2", ("hydra/launcher=basic", "local")),
    # Unknown keys.
    Case("model.pth=x", ("model.pth", "did you mean model.path?")),
    Case("framework.hf.match=true", ("framework.hf.match", "match_fairseq")),
    Case("framework.options.x=1", ("framework.options.x", "+framework.options.x=VALUE")),
    Case("arch.encoder.layrs=2", ("arch.encoder.layrs", "did you mean arch.encoder.layers?")),
    Case("task.nme=x", ("task.nme", "name")),
    Case("data.foo=1", ("data.foo", "limit")),
    Case("tokenizer.pth=x", ("tokenizer.pth", "path")),
    Case("train.epoch=3", ("train.epoch", "did you mean train.epochs?")),
    Case("tracking.url=x", ("tracking.url", "uri")),
    Case("hydra.launcher.job=2", ("hydra.launcher.job", "jobs")),
    Case("+hydra.launcher.job=2", ("'job'", "--help")),
    Case("+train.foo=1", ("train.foo: unknown key", "epochs")),
    Case("+framework.hf.foo=1", ("framework.hf.foo: unknown key", "match_fairseq")),
    # Types.
    Case("seed=one", ("seed=one", "integer")),
    Case("seed=1.5", ("seed=1.5", "integer")),
    Case("-m seed=1,x", ("seed=x", "integer")),
    Case("data_seed=x", ("data_seed=x", "integer")),
    Case("fresh=perhaps", ("fresh=perhaps", "true or false")),
    Case("outputs=null", ("outputs=null", "default")),
    Case("model.pretrained=maybe", ("model.pretrained=maybe", "true or false")),
    Case("framework.hf.match_fairseq=maybe", ("framework.hf.match_fairseq=maybe", "true or false")),
    Case("framework.family=decoder", ("framework.family=decoder", "encoder, causal_lm")),
    Case("framework.name=null", ("framework.name=null", "default")),
    Case("task.greater_is_better=maybe", ("task.greater_is_better=maybe", "true or false")),
    Case("data.limit=some", ("data.limit=some", "integer")),
    Case("train=5", ("train=5", "KEY.NAME=VALUE")),
    Case("train.epochs=null", ("train.epochs=null", "default")),
    Case("train.epochs=many", ("train.epochs=many", "integer")),
    Case("train.epochs=1,2", ("train.epochs=1,2", "-m")),
    Case("train.betas=0.9", ("train.betas", "list")),
    Case("train.betas=[0.9]", ("train.betas", "two")),
    Case("train.schedule=cubic", ("train.schedule=cubic", "linear, constant, polynomial, cosine")),
    Case("train.precision=fp64", ("train.precision=fp64", "fp32, bf16, fp16")),
    Case("tracking.uri=[x]", ("tracking.uri",)),
    Case("hydra.launcher.jobs=many", ("hydra.launcher.jobs=many", "integer")),
    Case("hydra.launcher.retries=once", ("hydra.launcher.retries=once", "integer")),
    Case("hydra.launcher.preload=torch", ("hydra.launcher.preload", "list")),
    # Ranges.
    Case("seed=-1", ("seed=-1", "at least 0")),
    Case("data_seed=4294967296", ("data_seed=4294967296", "at most 4294967295")),
    Case("data.limit=1", ("data.limit=1", "at least 2")),
    Case("train.epochs=0", ("train.epochs=0", "at least 1")),
    Case("train.max_steps=0", ("train.max_steps=0", "at least 1")),
    Case("train.batch_size=0", ("train.batch_size=0", "at least 1")),
    Case("train.eval_batch_size=0", ("train.eval_batch_size=0", "at least 1")),
    Case("train.learning_rate=-1", ("train.learning_rate=-1", "above 0")),
    Case("train.learning_rate=nan", ("train.learning_rate=nan",)),
    Case("train.weight_decay=inf", ("train.weight_decay=inf",)),
    Case("train.warmup_ratio=1.1", ("train.warmup_ratio=1.1", "at most 1")),
    Case("train.betas=[0.9,1.0]", ("train.betas", "below 1")),
    Case("train.gradient_clip=-1", ("train.gradient_clip=-1", "at least 0")),
    Case("train.threads=0", ("train.threads=0", "at least 1")),
    Case("train.max_length=2", ("train.max_length=2", "at least 3")),
    Case("hydra.launcher.jobs=0", ("hydra.launcher.jobs=0", "1 or more")),
    Case("hydra.launcher.retries=-1", ("hydra.launcher.retries=-1", "0 or more")),
    # What does not go together, or is not there.
    Case("train.max_length=63", ("train.max_length=63", "at most 62")),
    Case("train.precision=fp16", ("train.precision=fp16", "needs a GPU", "fp32, bf16")),
    Case("task.selection_metric=bleu", ("task.selection_metric=bleu", "accuracy, ", "loss")),
    Case("task.greater_is_better=false", ("task.greater_is_better=false", "task.greater_is_better=true")),
    Case("hydra.launcher.preload=[torch,nope]", ("hydra.launcher.preload", "nope", "[]")),
    Case("framework._target_=no.such.Framework", ("framework._target_=no.such.Framework",)),
    Case("framework._target_=pathlib.Path", ("framework._target_=pathlib.Path", "sweeper.frameworks.Framework")),
    Case("data._target_=no.such.Data", ("data._target_=no.such.Data",)),
    Case("data._target_=pathlib.Path", ("data._target_=pathlib.Path", "sweeper.data.DataSettings")),
    # The whole command: names and places.
    Case("model.name=a/b", ("model.name=a/b", "plain name")),
    Case("study=a/b", ("study=a/b", "plain name")),
    Case("study=.hidden", ("study=.hidden",)),
    Case("study=cache", ("study=cache", "other plain name")),
    Case("-m study=a,b", ("study", "one value")),
    Case("-m outputs=a,b", ("outputs", "one value")),
    Case("-m fresh=true,false", ("fresh", "one value")),
    Case("-m tracking=none,sqlite", ("tracking", "one value")),
    Case("outputs=a_file", ("a_file is a file", "outputs=DIR")),
    Case("outputs=another_version", ("schema 99", "study=NAME")),
    Case("outputs=torn_study", ("study.json", "not valid JSON")),
    Case("tracking.uri=somewhere", ("tracking.uri=somewhere", "tracking=none")),
    Case("tracking.uri=file:///x", ("tracking.uri=file:///x", "tracking=none")),
]


def make(directory: Path) -> None:
    """Create what the cases need."""
    (directory / "a_file").touch()
    for name, content in (("another_version", '{"schema": 99}'), ("torn_study", '{"schema":')):
        (directory / name / "demo").mkdir(parents=True)
        (directory / name / "demo" / "study.json").write_text(content)
