"""One run: read from the store, or checked and carried out (helpers.stages).

Runs alike but for their epochs can share one training: it passes through all of them.

>>> run(Experiment(n_examples=10, seed=7)).row["harmfulness_rate"]

Used by: grid, cli; every notebook.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from helpers.runs import costs
from helpers.data import rows as data
from helpers.archive import pictures
from helpers.experiments import training_set
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.judging.judges import MODEL_JUDGES
from helpers.hosted.ledger import check_refused
from helpers.runs.store import Run, Store


def run(experiment: Experiment, store: Store | None = None, progress: bool = False) -> Run:
    """Carry out the experiment, or read it from the store if it is there.

    Its initial run is carried out first, since a rate means little without where it began.
    Raises ConfigError, DataError or ModelError before any long work starts, and JobRefused where
    a provider refused the job, now or before.
    """
    store = store or Store()
    check(experiment)
    stored = store.get(experiment.id)
    if stored:
        return stored
    check_refused(experiment.id)
    both = {e.id: e for e in (experiment, experiment.initial())}
    costs.check([e for run_id, e in both.items() if not store.has(run_id)])
    initial = None
    if experiment.method != "none":
        initial = run(experiment.initial(), store, progress).row["harmfulness_rate"]
    with store.claim(experiment.id):
        stored = store.get(experiment.id)  # another process may just have finished it
        if stored:
            return stored
        from helpers.runs import stages

        return stages.compute(experiment, store, initial, progress)


def run_through(
    experiments: Sequence[Experiment], store: Store | None = None, progress: bool = False
) -> None:
    """Carry out local full fine-tunings alike but for their epochs, by one training of the longest.

    What is stored is left as it is. Raises as run does.
    """
    store = store or Store()
    for experiment in experiments:
        check(experiment)
    ordered = sorted(experiments, key=lambda e: e.epochs)
    costs.check([e for e in ordered if not store.has(e.id)])
    initial = run(ordered[0].initial(), store, progress).row["harmfulness_rate"]
    with ExitStack() as claimed:
        for experiment in ordered:
            claimed.enter_context(store.claim(experiment.id))
        missing = [e for e in ordered if not store.get(e.id)]
        if missing:
            from helpers.runs import stages

            stages.compute_through(missing, store, initial, progress)


def check(experiment: Experiment) -> None:
    """Read all the data the experiment names, so that what is wrong shows before the work."""
    rows = training_set.draw(experiment)
    shown = [row["picture"] for row in rows if "picture" in row]
    if shown:
        if experiment.backend == "hosted":
            raise ConfigError("pictures are not sent to a provider; use backend local.")
        if experiment.method != "full":
            raise ConfigError(f"method {experiment.method} takes no pictures; use method full.")
        for picture in shown:
            pictures.check(picture)
    for name in experiment.prompt_sets.values():
        data.read_prompts(name)
    for name in experiment.judges:
        if name.startswith(MODEL_JUDGES):
            from helpers.runs import stages

            stages.judge_module(name).check(name)
