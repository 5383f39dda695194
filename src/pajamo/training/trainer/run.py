"""One training in one process: its steps, its checkpoints, its metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from pajamo.config.proteins.training import TrainingSettings
from pajamo.errors import ModelError
from pajamo.training.engine.checkpoints import Checkpoints
from pajamo.training.engine.processes import Processes
from pajamo.training.trainer.ahead import Ahead
from pajamo.training.trainer.assembly import Assembly
from pajamo.training.trainer.folder import TrainingFolder
from pajamo.training.trainer.guard import judged
from pajamo.training.trainer.order import order_after
from pajamo.training.trainer.peaks import peak
from pajamo.training.trainer.report import Ended, StepReport, TrainingResult
from pajamo.training.trainer.schedule import share_of_rate
from pajamo.training.trainer.state import State, check_fingerprint
from pajamo.training.trainer.stopping import Stopping
from pajamo.training.trainer.sums import Flags, Sums, summed
from pajamo.training.trainer.task import Measured, Task
from pajamo.training.trainer.validation import Trained, Validate

OnStep = Callable[[StepReport], None]


class Run:
    """A training from its newest checkpoint, or from its beginning, on; see `train`."""

    def __init__(
        self, task: Task, settings: TrainingSettings, folder: TrainingFolder, processes: Processes, seed: int
    ) -> None:
        self.task, self.settings, self.processes = task, settings, processes
        self.folder = folder
        self.checkpoints = Checkpoints(folder.path, processes, settings.keep)
        self.ahead = Ahead(task, processes)
        self.assembly = Assembly(task, settings, processes, seed)
        self._fingerprint = json.loads(
            json.dumps({**task.fingerprint(), "optimiser": settings.optimiser.name}, allow_nan=False)
        )
        self._peak = peak(processes.device, settings.precision) if isinstance(task, Measured) else None
        self._saved: int | None = None
        self._validation: dict[str, float] = {}
        self.state = self._begun()
        self._since = time.perf_counter()

    def to_end(self, stopping: Stopping, on_step: OnStep | None, validate: Validate | None) -> TrainingResult:
        """Train until all steps are done or something says stop."""
        ended: Ended = "finished"
        while self.state.step < self.settings.steps and ended == "finished":
            report, sums = self._step(stopping)
            self.folder.note(report.facts())
            if on_step is not None and self.processes.first:
                on_step(report)
            ended = "signal" if sums.signalled else "time" if sums.late else "finished"
            self._after_step(sums, validate if ended == "finished" else None)
        if validate is not None and ended == "finished" and not self._validation:
            self._validation = validate(self._trained())  # all steps were done before this start
        if self._saved != self.state.step:
            self._save()
        self.checkpoints.commit()
        return self._result(ended)

    def close(self) -> None:
        """Let threads end."""
        self.ahead.close()
        self.checkpoints.close()

    def _begun(self) -> State:
        """The state of the newest whole checkpoint, or, with one of it, the first state."""
        self.checkpoints.tidy()
        facts = self.checkpoints.load(
            self.assembly.arrays(),
            lambda found: check_fingerprint(found["fingerprint"], self._fingerprint, str(self.folder.path)),
        )
        if facts is None:
            self.state = State(position=self.task.first())
            self.folder.forget_after(0)
            self._save()  # something to go back to; and a disk that is too small is noticed now, not at night
            return self.state
        self.assembly.optimiser.set_updates(facts["updates"])
        self.folder.forget_after(facts["noted"])
        self._saved = facts["step"]
        return State.from_facts(facts)

    def _step(self, stopping: Stopping) -> tuple[StepReport, Sums]:
        state, step = self.state, self.state.step
        share = self.ahead.take(state.position, more=step + 1 < self.settings.steps)
        loss, squared = self.assembly.backward(share)
        flags = Flags(stopping.signalled, stopping.late, self.checkpoints.writing)
        sums = summed(loss, squared, share, flags, self.processes)
        verdict, health = judged(state.health, sums.mean, sums.norm, self.settings.guard)
        rate = share_of_rate(step, self.settings.steps, self.settings.schedule)
        if verdict == "good":
            self.assembly.update(rate, self._clipped(sums) / sums.weight)
        self.assembly.forget()
        self.state = replace(
            state,
            step=step + 1,
            updates=state.updates + (verdict == "good"),
            position=share.after,
            health=health,
            order=order_after(state.order, share.plans),
            tokens=state.tokens + int(sums.tokens),
        )
        report = self._report(sums, rate, verdict == "good")
        if verdict == "back":
            self._go_back()
        elif verdict == "stop":
            raise self._given_up(sums)
        return report, sums

    def _clipped(self, sums: Sums) -> float:
        """What clipping leaves of the gradient."""
        most = self.settings.optimiser.clip
        return 1.0 if most is None or sums.norm <= most else most / sums.norm

    def _after_step(self, sums: Sums, validate: Validate | None) -> None:
        step, last = self.state.step, self.state.step == self.settings.steps
        if validate is not None and (last or step % self.settings.validate_every == 0):
            self._validation = validate(self._trained())
            self.folder.note({"step": step, "validation": self._validation})
            self._since = time.perf_counter()
        # Weights between steps that went wrong are no better than those of the checkpoint before.
        if step % self.settings.save_every == 0 and not self.state.health.bad and self._saved != step:
            self._save()
        elif self.checkpoints.pending and not sums.writing:
            self.checkpoints.commit()

    def _trained(self) -> Trained:
        return Trained(self.task, self.state.step, self.processes, self.assembly.spread)

    def _save(self) -> None:
        facts = self.state.facts(self._fingerprint, self.folder.noted)
        self.checkpoints.save(self.state.step, self.assembly.arrays(), facts)
        self._saved = self.state.step

    def _go_back(self) -> None:
        """To the weights of the last checkpoint; the data go on behind what went wrong."""
        self.checkpoints.commit()
        facts = self.checkpoints.load(self.assembly.arrays(), lambda _: None)
        assert facts is not None
        now, then = self.state, State.from_facts(facts)
        self.assembly.optimiser.set_updates(then.updates)
        self.folder.note({"went_back": {"from": now.step, "to": then.step}})
        self.state = replace(
            then,
            position=now.position,
            order=now.order,
            tokens=now.tokens,
            health=then.health.after_return(now.health),
        )

    def _given_up(self, sums: Sums) -> ModelError:
        return ModelError(
            f"training went wrong at step {self.state.step}: loss {sums.mean:.4g}, gradient {sums.norm:.4g}",
            where=str(self.folder.path),
            why=f"it went back {self.state.health.returns} times already, leaving out the data at fault",
            fix="lower the learning rate, lengthen the warm-up, or look at the data of these steps (metrics.jsonl); "
            "the last good checkpoint is kept",
        )

    def _report(self, sums: Sums, rate: float, applied: bool) -> StepReport:
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        peak_of_all = None if self._peak is None else self._peak * self.processes.world
        return StepReport(
            step=self.state.step,
            loss=sums.mean,
            weight=sums.weight,
            learning_rate=self.settings.optimiser.learning_rate * rate,
            gradient_norm=sums.norm,
            applied=applied,
            seconds=seconds,
            tokens_per_second=sums.tokens / seconds if sums.places else None,
            packed=sums.tokens / sums.places if sums.places else None,
            utilisation=sums.flops / seconds / peak_of_all if peak_of_all and sums.flops else None,
            order=self.state.order,
        )

    def _result(self, ended: Ended) -> TrainingResult:
        health = self.state.health
        return TrainingResult(
            steps=self.state.step,
            updates=self.state.updates,
            stopped=ended,
            loss=health.recent[-1] if health.recent else None,
            returns=health.returns,
            order=self.state.order,
            checkpoint=self.folder.path / f"step_{self.state.step}",
            validation=self._validation,
        )
