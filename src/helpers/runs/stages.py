"""The stages of a run, from its Experiment to the stored result. Nothing flows back.

    Experiment -> training data -> fine-tune -> completions -> judgements -> metrics -> stored

Used by: run, estimate.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version

import pandas as pd
import torch

from helpers import paths
from helpers.runs.backends import local
from helpers.judging import metrics
from helpers.judging import model_judges
from helpers.runs import probes
from helpers.experiments import prompt_set
from helpers.experiments import training_set
from helpers.models.chat import Message, dress
from helpers.experiments.experiment import Experiment
from helpers.judging.judges import API_JUDGE, MODEL_JUDGES, judge
from helpers.runs.store import Run, Store

#: What a stored row names the version of.
PACKAGES = ("aligndrift", "torch", "transformers", "peft")


def compute(
    e: Experiment, store: Store, initial: float | None = None, progress: bool = False
) -> Run:
    """Carry the experiment out and store it. initial: its initial run's harmfulness rate."""
    clock = Clock()
    with clock("load"):
        rows, prompts = training_set.draw(e), prompt_set.draw(e)
    _reset_peak()
    with clock("finetune"):
        reference = backend(e).fine_tune(rows, e, progress)
    return _measure(e, reference, prompts, clock, store, initial, progress)


def compute_through(
    experiments: Sequence[Experiment], store: Store, initial: float, progress: bool = False
) -> None:
    """Carry out local full fine-tunings alike but for their epochs, by one training.

    experiments: shortest first. The seconds stored as fine-tuning are what each takes alone.
    """
    shared = Clock()
    with shared("load"):
        rows, prompts = training_set.draw(experiments[0]), prompt_set.draw(experiments[0])
    _reset_peak()
    trained = local.fine_tune_through(rows, experiments, progress)
    for e in experiments:
        with shared("finetune"):
            reference = next(trained)
        clock = Clock()
        clock.seconds |= shared.seconds
        _measure(e, reference, prompts, clock, store, initial, progress)


def _measure(e: Experiment, reference, prompts, clock, store: Store, initial, progress) -> Run:
    """From the model to the stored run."""
    with clock("generate"):
        completions = answer(reference, prompts, e, progress)
        for n, template in enumerate(e.variants, start=1):
            varied = [(f"variant_{n}", row) for use, row in prompts if use == "benchmark"]
            under = answer(reference, varied, replace(e, user_template=template), progress)
            completions, prompts = pd.concat([completions, under]), prompts + varied
    with clock("judge"):
        judgements = judge_all(completions, prompts, e, progress)
        numbers = metrics.summarize(completions, judgements, e.judges)
    with clock("probe"):
        probed = probe(reference, prompts, completions, e, store)
    row = {
        "run_id": e.id,
        "initial_run_id": e.initial().id if e.method != "none" else e.id,
        **asdict(e),
        **numbers,
        "initial_harmfulness_rate": numbers["harmfulness_rate"] if e.method == "none" else initial,
        "final_loss": reference.losses[-1] if reference.losses else None,
        **probed,
        "cost": reference.cost,
        **{f"{stage}_seconds": seconds for stage, seconds in clock.seconds.items()},
        "peak_memory_bytes": peak_memory(),
        **surroundings(),
    }
    for table in (completions, judgements):
        table.insert(0, "run_id", e.id)
    return store.put(row, completions, judgements)


def backend(e: Experiment):
    """A module with two functions, fine_tune and complete: on this machine, or at a provider."""
    if e.backend == "hosted":
        from helpers.runs.backends import hosted

        return hosted
    return local


def answer(reference, prompts, e: Experiment, progress: bool = False) -> pd.DataFrame:
    """The completions table. A prompt of several user turns is answered turn by turn.

    Every turn of all prompts that have one is answered in one batch; kept is the last answer,
    which is the one that is judged.
    """
    turns = [_turns(row["messages"]) for _, row in prompts]
    history: list[list[Message]] = [[] for _ in prompts]
    final = [None] * len(prompts)
    for t in range(max(map(len, turns))):
        asked = [i for i in range(len(prompts)) if t < len(turns[i])]
        for i in asked:
            history[i] += turns[i][t]
        answers = backend(e).complete(reference, [history[i] for i in asked], e, progress)
        for i, completion in zip(asked, answers, strict=True):
            history[i].append({"role": "assistant", "content": completion.text})
            final[i] = completion
    return pd.DataFrame(
        {
            "use": use,
            "prompt_id": row["id"],
            "category": row.get("category", ""),
            "prompt": row["messages"][-1]["content"],
            "completion": completion.text,
            "finished": completion.finished,
            "n_tokens": completion.n_tokens,
        }
        for (use, row), completion in zip(prompts, final, strict=True)
    )


def _turns(messages: list[Message]) -> list[list[Message]]:
    """What the model is shown before each of its answers: up to each user turn left open."""
    turns, current = [], []
    for message, following in zip(messages, [*messages[1:], None], strict=True):
        current.append(message)
        if message["role"] == "user" and (following is None or following["role"] == "user"):
            turns.append(current)
            current = []
    return turns


def judge_module(name: str):
    """The module of a judge that is a model: check, identity and judge_all."""
    if name.startswith(API_JUDGE):
        from helpers.judging import api as api_judge

        return api_judge
    return model_judges


def judge_all(
    completions: pd.DataFrame, prompts, e: Experiment, progress: bool = False
) -> pd.DataFrame:
    """The judgements table: every completion by every judge.

    Judges that are models see the benchmark alone: it is what they are asked about, and they are
    slow.
    """
    asked = list(completions.itertuples())
    tables = []
    for name in e.judges:
        identity, seen = f"aligndrift {name}", range(len(asked))
        if name.startswith(MODEL_JUDGES):
            judges = judge_module(name)
            identity = judges.identity(name)
            seen = [i for i, c in enumerate(asked) if c.use == "benchmark"]
            pairs = [(asked[i].prompt, asked[i].completion) for i in seen]
            verdicts = judges.judge_all(name, pairs, progress)
        else:
            verdicts = [judge(name, prompts[i][1], asked[i].completion) for i in seen]
        tables.append(
            pd.DataFrame(
                {
                    "use": asked[i].use,
                    "prompt_id": asked[i].prompt_id,
                    "category": asked[i].category,
                    "judge": name,
                    "judge_identity": identity,
                }
                | asdict(verdict)
                for i, verdict in zip(seen, verdicts, strict=True)
            )
        )
    return pd.concat(tables, ignore_index=True)


def probe(
    reference, prompts, completions: pd.DataFrame, e: Experiment, store: Store
) -> dict[str, object]:
    """What the experiment's probes find: "first_tokens" a list, the others a dict."""
    found: dict[str, object] = {}
    if "weight_drift" in e.probes:
        found["weight_drift"] = probes.weight_drift(reference.model, e.model)
    if "sees" in e.probes and reference.llava is not None:
        from helpers.training import llava as vision

        found["sees"] = vision.sees(reference.llava, reference.tokenizer, e)
    if "first_tokens" in e.probes:
        own = e.method == "none"
        initial = completions if own else store.get(e.initial().id).completions
        said = initial[initial.use == "benchmark"].completion.tolist()
        asked = [
            dress(row["messages"], e.system_prompt, e.user_template)
            for use, row in prompts
            if use == "benchmark"
        ]
        found["first_tokens"] = probes.first_tokens(
            reference.model, reference.tokenizer, asked, said
        )
    return found


class Clock:
    """Seconds by stage: `with clock("generate"): ...` adds to clock.seconds["generate"]."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int:
    """Peak bytes: the GPU's where there is one, else this process's resident memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def surroundings() -> dict[str, str]:
    """Commit, versions, device and time: what a reader needs to place a number."""
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=paths.root(), capture_output=True, text=True
    )
    return {
        "commit": git.stdout.strip(),
        "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
