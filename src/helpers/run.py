"""One run: read from the store, or checked and carried out (helpers.stages).

>>> run(Experiment(n_examples=10, seed=7)).row["harmfulness_rate"]

Used by: grid, cli; every notebook.
"""

from helpers import costs, data, training_set
from helpers.errors import ConfigError
from helpers.experiment import Experiment
from helpers.judges import MODEL_JUDGES
from helpers.ledger import check_refused
from helpers.store import Run, Store


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
        from helpers import stages  # torch and transformers take seconds to import

        return stages.compute(experiment, store, initial, progress)


def check(experiment: Experiment) -> None:
    """Read all the data the experiment names, so that what is wrong shows before the work."""
    rows = training_set.draw(experiment)
    if any("picture" in row for row in rows):
        if experiment.backend == "hosted":
            raise ConfigError("pictures are not sent to a provider; use backend local.")
        if experiment.method != "full":
            raise ConfigError(f"method {experiment.method} takes no pictures; use method full.")
    for name in experiment.prompt_sets.values():
        data.read_prompts(name)
    for name in experiment.judges:
        if name.startswith(MODEL_JUDGES):
            from helpers import stages

            stages.judge_module(name).check(name)
