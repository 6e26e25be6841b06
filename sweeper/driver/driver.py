"""The driver: brings a command's trials to their end through a backend, and shows where they stand."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sweeper.backends import Backend, Job, JobState, Phase
from sweeper.driver import live
from sweeper.driver.execute import execute, prepare
from sweeper.driver.sweep_trial import ENDED, SweepTrial
from sweeper.errors import WrongInput
from sweeper.frameworks.inputs import Preparation, preparations
from sweeper.records import provenance
from sweeper.records.logs import last_message
from sweeper.records.progress import read_progress
from sweeper.records.study import Study
from sweeper.trial.outcome import Status

# A trial that another process runs is looked at more seldom: each look takes its lock for an instant.
ATTACHED_POLL_SECONDS = 1.0


class Driver:
    """Brings trials to their end through a backend, and shows where they stand."""

    def __init__(self, study: Study, backend: Backend, view: live.View):
        self.study = study
        self.backend = backend
        self.view = view
        self.steps: Sequence[Preparation] = ()  # made by jobs that trials wait for
        self.jobs: dict[str, str] = {}  # ids that the study knows
        self.launch: dict[str, Any] = {
            "command": provenance.command_line(),
            "directory": str(Path.cwd()),
            "code": provenance.code_state(),
        }
        if backend.traits.outlives:  # what runs later and elsewhere may not find what was submitted
            self.launch["submitted"] = {"versions": provenance.versions(), "code": self.launch["code"]}

    def run(self, watched: Sequence[SweepTrial]) -> None:
        """Start what has not ended, and return when each trial has."""
        if self.backend.traits.outlives:
            self.hand_over(watched)
            self.view.update([item.row() for item in watched])
        else:
            self.prepare([item for item in watched if not item.ended])
            self.view.update([item.row() for item in watched])
            self.start([item for item in watched if not item.ended and item.status is not Status.RUNNING])
        self.follow(watched)

    def hand_over(self, watched: Sequence[SweepTrial]) -> None:
        """Take on the jobs that earlier commands left, and start the other trials behind what makes their inputs."""
        self.study.remember([item.trial for item in watched])
        with self.study.starting():
            for item in watched:
                item.look_anew()
            # A trial that failed or was cancelled is tried again, while its last job may still be on its way out.
            attached = self.backend.attach([item.trial.name for item in watched if item.status in ENDED])
            for item in watched:
                item.started = item.trial.name in attached
            new = [item for item in watched if not (item.ended or item.started or item.status is Status.RUNNING)]
            jobs, self.steps = self.preparation_jobs(new)
            self.backend.start([job for job in jobs if job.key not in attached])
            self.start(new)
            states = self.backend.poll()
        self.remember(states)
        for item in watched:
            if item.started:
                item.take_in(states[item.trial.name])

    def follow(self, watched: Sequence[SweepTrial]) -> None:
        """Look at trials and their jobs until each has ended."""
        while True:
            states = self.backend.poll()
            again = [item for item in watched if not item.ended and self.look(item, states)]
            if again:
                self.start_again(again)
            self.remember(states)
            for step in self.steps:
                self.view.prepare(how_far(step))
            self.view.update([item.row() for item in watched], self.backend.trouble)
            if all(item.ended for item in watched):
                return
            time.sleep(self.backend.traits.poll_seconds)

    def remember(self, states: Mapping[str, JobState]) -> None:
        """Keep the ids that a scheduler has given to jobs with the study."""
        known = {key: state.id for key, state in states.items() if state.id}
        if known != self.jobs:
            self.jobs = known
            self.study.remember_jobs(known)

    def prepare(self, watched: Sequence[SweepTrial]) -> None:
        """Make what several trials read, each thing once; a trial whose inputs cannot be made ends here."""
        jobs, steps = self.preparation_jobs(watched)
        self.backend.start(jobs)
        while jobs:
            states = self.backend.poll()
            for step in steps:
                self.view.prepare(how_far(step))
            if all(states[job.key].phase is Phase.ENDED for job in jobs):
                break
            time.sleep(self.backend.traits.poll_seconds)
        for item in watched:
            if missing := preparations(item.trial):
                log = next((job.log for job in jobs if job.key == item.preparation), jobs[0].log)
                item.give_up(f"{missing[0].title} failed: {last_message(log)}", log)

    def preparation_jobs(self, watched: Sequence[SweepTrial]) -> tuple[list[Job], list[Preparation]]:
        """Return the fewest jobs that make all that is missing, those that make most first."""
        makers: dict[Path, str] = {}
        jobs, steps = [], []
        missing = [(item, preparations(item.trial)) for item in watched]
        for item, needed in sorted(missing, key=lambda pair: -len(pair[1])):
            new = [step for step in needed if step.directory not in makers]
            if new:
                key = f"prepare {item.trial.name}"
                jobs.append(
                    Job(key, partial(prepare, item.trial), self.study.directory / ".preparation" / f"{key}.log")
                )
                makers |= {step.directory: key for step in new}
                steps += new
            item.preparation = makers[needed[-1].directory] if needed else None
        return jobs, steps

    def start(self, watched: Sequence[SweepTrial]) -> None:
        """Hand trials to the backend; what an earlier launch said of its failure no longer counts."""
        for item in watched:
            if item.status in (Status.FAILED, Status.CANCELLED):
                with item.record.writing() as writer:
                    writer.forget_failure()
            item.started = True
        calls = [partial(execute, item.trial, item.record.path.absolute(), self.launch) for item in watched]
        self.backend.start(
            [
                Job(item.trial.name, call, item.record.log, (item.preparation,) if item.preparation else ())
                for item, call in zip(watched, calls, strict=True)
            ]
        )

    def start_again(self, watched: Sequence[SweepTrial]) -> None:
        """Start trials whose job or process has died, unless another command that follows them has done so."""
        died = [item for item in watched if item.started]
        try:
            with self.study.starting():
                attached = self.backend.attach()
                self.start([item for item in watched if item.trial.name not in attached])
        except WrongInput:  # the scheduler does not answer; the next look comes here again
            return
        for item in watched:
            item.started = True
        for item in died:
            item.retries += 1

    def look(self, item: SweepTrial, states: Mapping[str, JobState]) -> bool:
        """Take in what a trial's record and the backend say of it; returns whether it is to be started again."""
        if not item.started:
            return self.look_at_attached(item)
        job = states[item.trial.name]
        if job.phase is not Phase.ENDED:
            item.take_in(job)
            # The record is the truth, and there before a scheduler tells; a child of this process has to end as well.
            if self.backend.traits.outlives and item.record.outcome() is not None:
                item.refresh()
            return False
        item.refresh()
        if item.status is Status.RUNNING:
            item.started = False  # another process was quicker: attached to it
        elif not item.ended and job.cancelled:
            item.record_cancellation(job.reason)
        elif not item.ended and item.retries < self.backend.traits.retries:
            return True
        elif not item.ended:
            item.give_up(job.reason or "ended without an outcome", item.record.log)
        return False

    def look_at_attached(self, item: SweepTrial) -> bool:
        """Follow a trial that another process runs; returns whether to take it over, that process having died."""
        if time.monotonic() - item.looked < ATTACHED_POLL_SECONDS:
            return False
        item.refresh()
        return not item.ended and item.status is not Status.RUNNING


def how_far(step: Preparation) -> live.Preparation:
    """Return what the view shows of something that is being made."""
    if step.directory.exists():
        return live.Preparation(step.title, 1, 1)
    progress = read_progress(step.progress_file)
    if progress is None:
        return live.Preparation(step.title, 0, 1)
    return live.Preparation(step.title, progress.step, progress.steps, progress.loss)
