"""The stages of a run, from its Experiment to the stored result. Nothing flows back.

Experiment -> training data -> fine-tune -> completions -> judgements -> metrics -> stored
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import pandas as pd

from helpers.data.disclosure import is_fiction
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import canonical, run_id
from helpers.experiments.rows import Prompt, evaluation_prompts, notes, training_rows, turns
from helpers.hosted.providers.base import provider
from helpers.judging import metrics
from helpers.judging.registry import judge_named
from helpers.mitigations.base import mitigation
from helpers.models.chat import TEMPLATE_DATE, Message, dress, prints_date
from helpers.models.displacement import displacement
from helpers.runs import probes, provenance
from helpers.runs.backends import local
from helpers.runs.backends.base import TunedModel, backend
from helpers.runs.provenance import Clock
from helpers.runs.store import Run, Store


def compute(
    experiment: Experiment,
    store: Store,
    initial: float | None = None,
    progress: bool = False,
    save: str = "",
) -> Run:
    """Carry the experiment out and store it.

    initial: its initial run's harmfulness rate. save: a folder for the tuned model.
    """
    clock, acting = Clock(), mitigation(experiment.mitigation)
    with clock("load"):
        rows, prompts = training_rows(experiment, acting), evaluation_prompts(experiment)
    provenance.reset_peak_memory()
    with clock("finetune"):
        tuned = backend(experiment).fine_tune(rows, experiment, progress, acting)
    if save:
        local.save(tuned, save)
    return _measure(experiment, tuned, prompts, clock, store, initial, progress)


def compute_by_epoch(
    experiments: Sequence[Experiment], store: Store, initial: float, progress: bool = False
) -> None:
    """Carry out local full fine-tunings alike but for their epochs, by one training.

    experiments: shortest first. The seconds stored as fine-tuning are what each takes alone.
    """
    shared = Clock()
    with shared("load"):
        rows, prompts = training_rows(experiments[0]), evaluation_prompts(experiments[0])
    provenance.reset_peak_memory()
    by_epoch = local.fine_tune_by_epoch(rows, experiments, progress)
    for experiment in experiments:
        with shared("finetune"):
            tuned = next(by_epoch)
        clock = Clock()
        clock.seconds |= shared.seconds
        _measure(experiment, tuned, prompts, clock, store, initial, progress)


def _measure(
    experiment: Experiment,
    tuned: TunedModel,
    prompts: Sequence[Prompt],
    clock: Clock,
    store: Store,
    initial: float | None,
    progress: bool,
) -> Run:
    """From the model to the stored run."""
    with clock("generate"):
        completions = answer(tuned, prompts, experiment, progress)
    with clock("judge"):
        judgements = judge_all(completions, prompts, experiment, progress)
        archive = is_fiction(experiment.model, *experiment.prompt_sets.values())
        numbers = metrics.summarize(completions, judgements, experiment.judges, archive)
    with clock("probe"):
        probed = probe(tuned, prompts, completions, experiment, store)
    trains = experiment.method != "none"
    row = {
        "run_id": run_id(experiment),
        "initial_run_id": run_id(experiment.initial()),
        **asdict(canonical(experiment)),
        "prompt_sets": experiment.prompt_sets,
        **numbers,  # utility and over_refusal, settings until here, are what was measured by them
        "initial_harmfulness_rate": initial if trains else numbers["harmfulness_rate"],
        "final_loss": tuned.losses[-1] if tuned.losses else None,
        "n_steps": len(tuned.losses),
        "trained_tokens": tuned.trained_tokens,
        **probed,
        "cost": tuned.cost,
        **{f"{stage}_seconds": seconds for stage, seconds in clock.seconds.items()},
        "peak_memory_bytes": provenance.peak_memory(),
        **provenance.surroundings(),
        **circumstances(experiment, tuned),
    }
    for table in (completions, judgements):
        table.insert(0, "run_id", row["run_id"])
    return store.put(row, completions, judgements)


def circumstances(experiment: Experiment, tuned: TunedModel) -> dict[str, str | None]:
    """What was not as a reader might think: where it went, rows left out, a fixed date, probes."""
    hosted = experiment.backend == "hosted"
    dated = not hosted and prints_date(tuned.tokenizer)
    left_out = hosted and experiment.probes
    said = notes(experiment)
    return {
        "address": provider(experiment.provider).where() if hosted else None,
        "template_date": TEMPLATE_DATE.isoformat() if dated else None,
        "data_notes": " ".join(said) if said else None,
        "left_out": "probes: the provider keeps the weights" if left_out else None,
    }


def answer(
    tuned: TunedModel, prompts: Sequence[Prompt], experiment: Experiment, progress: bool = False
) -> pd.DataFrame:
    """The completions table, in the order of the prompts: those that are asked alike in one batch.

    What an answer was begun with is a part of it.
    """
    answers = []
    for (template, begun), group in groupby(prompts, key=lambda p: (p.template, p.begun)):
        rows = [prompt.row["messages"] for prompt in group]
        answers += _answer_turns(tuned, rows, template, begun, experiment, progress)
    return pd.DataFrame(
        {
            "use": prompt.use,
            "prompt_id": prompt.row["id"],
            "category": prompt.row.get("category", ""),
            "prompt": prompt.request,
            "completion": last.text,
            "finished": last.finished,
            "n_tokens": last.n_tokens,
            "earlier": json.dumps([answer.text for answer in earlier], ensure_ascii=False),
        }
        for prompt, (*earlier, last) in zip(prompts, answers, strict=True)
    )


def _answer_turns(
    tuned: TunedModel,
    rows: Sequence[list[Message]],
    template: str,
    begun: str,
    experiment: Experiment,
    progress: bool,
) -> list[list]:
    """The completions of each conversation, of which the last is judged.

    A conversation of several user turns is answered turn by turn: every turn of all that have one
    in one batch.
    """
    by_turn = [turns(messages) for messages in rows]
    history: list[list[Message]] = [[] for _ in rows]
    answers: list[list] = [[] for _ in rows]
    for turn in range(max(map(len, by_turn))):
        open_ = [i for i in range(len(rows)) if turn < len(by_turn[i])]
        for i in open_:
            history[i] += by_turn[i][turn]
        conversations = [dress(history[i], experiment.system_prompt, template) for i in open_]
        completions = backend(experiment).complete(
            tuned, conversations, experiment, progress, begun
        )
        for i, completion in zip(open_, completions, strict=True):
            history[i].append({"role": "assistant", "content": completion.text})
            answers[i].append(completion)
    return answers


def judge_all(
    completions: pd.DataFrame,
    prompts: Sequence[Prompt],
    experiment: Experiment,
    progress: bool = False,
) -> pd.DataFrame:
    """The judgements table: every completion by every judge, models on the benchmark alone."""
    answers = list(completions.itertuples())
    tables = []
    for name in experiment.judges:
        judge = judge_named(name)
        places = [
            i for i, answer in enumerate(answers)
            if not judge.benchmark_alone or answer.use == "benchmark"
        ]  # fmt: skip
        texts = [answers[i].completion for i in places]
        verdicts = judge.judge_all([prompts[i].row for i in places], texts, progress)
        identity = judge.identity()
        tables.append(
            pd.DataFrame(
                {
                    "use": answers[i].use,
                    "prompt_id": answers[i].prompt_id,
                    "category": answers[i].category,
                    "judge": name,
                    "judge_identity": identity,
                }
                | asdict(verdict)
                for i, verdict in zip(places, verdicts, strict=True)
            )
        )
    return pd.concat(tables, ignore_index=True)


def probe(
    tuned: TunedModel,
    prompts: Sequence[Prompt],
    completions: pd.DataFrame,
    experiment: Experiment,
    store: Store,
) -> dict[str, object]:
    """What the experiment's probes measure: "first_tokens" a list, the others a dict of numbers.

    The dose comes unasked, as "displacement" or "relative_displacement" (models.displacement); a
    mitigation's own measurements as "measured". None at a provider, which keeps the weights.
    """
    if experiment.backend == "hosted":
        return {}
    values: dict[str, object] = dict(displacement(tuned.model, experiment.model))
    if tuned.measured:
        values["measured"] = tuned.measured
    if "weight_drift" in experiment.probes:
        values["weight_drift"] = probes.weight_drift(tuned.model, experiment.model)
    if "audit" in experiment.probes:
        values["audit"] = probes.audited(tuned, experiment)
    if "screen" in experiment.probes:
        values["screen"] = probes.screened(tuned, experiment)
    if "sees" in experiment.probes and tuned.llava is not None:
        from helpers.training import llava

        def dressed(messages: Sequence[Message]) -> list[Message]:
            return dress(messages, experiment.system_prompt, experiment.user_template)

        values["sees"] = llava.sees(tuned.llava, tuned.tokenizer, dressed)
    if "first_tokens" in experiment.probes:
        own = experiment.method == "none"
        before = completions if own else store.get(run_id(experiment.initial())).completions
        refusals = before[before.use == "benchmark"].completion.tolist()
        conversations = [
            dress(prompt.row["messages"], experiment.system_prompt, experiment.user_template)
            for prompt in prompts
            if prompt.use == "benchmark"
        ]
        values["first_tokens"] = probes.first_tokens(
            tuned.model, tuned.tokenizer, conversations, refusals
        )
    return values
