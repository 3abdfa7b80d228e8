"""What is trained on and what is asked: an experiment's rows and prompts.

rows of the dataset -> n_examples of them that fit -> by the mitigation, safety data among them
                    -> conversations as the model sees them
sets of prompts     -> n_prompts of each, under the run's template and under each variant
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tqdm.auto import tqdm

from helpers.archive.shipped import MODELS
from helpers.data.disclosure import cut_short
from helpers.data.files import Row
from helpers.data.rows import MIXED_IN, load, order, read_prompts
from helpers.data.safety_rows import DEFAULT
from helpers.data.sources import catalog
from helpers.data.sources.base import Loaded
from helpers.errors import ConfigError, DataError
from helpers.experiments import effects
from helpers.experiments.experiment import Experiment
from helpers.experiments.variants import asked, begun
from helpers.mitigations.base import Mitigation, mitigation
from helpers.mitigations.safety_mixing import refusals
from helpers.models import loading
from helpers.models.chat import Message, dress, fits_all


@dataclass
class Drawn:
    """Examples, and the place and reason of those that cannot be trained on whole.

    tokens: of the examples, where they are counted; trained_tokens: those that are trained on.
    """

    rows: list[Row]
    left_out: list[tuple[str, str]]
    tokens: int = 0
    trained_tokens: int = 0


def drawn(experiment: Experiment) -> Drawn:
    """n_examples of the dataset's rows, drawn by the seed; one that cannot be trained on whole is
    passed over.

    A smaller n_examples gives a prefix of a larger one. At a provider whose tokenizer is not known
    every row is taken to fit. Raises DataError if too few do.
    """
    loaded = load(experiment.dataset, "training", experiment.safety_rows)
    if experiment.backend == "hosted" and experiment.model not in MODELS:
        rows, places = loaded.rows, order(len(loaded.rows), experiment.seed)
        _check_enough(experiment, loaded, len(rows), [])
        return Drawn([rows[i] for i in places[: experiment.n_examples]], [])
    decides = ["dataset", "n_examples", "seed", "model", "system_prompt", "user_template",
               "attack_template"]  # fmt: skip
    if (
        experiment.backend == "local"
    ):  # elsewhere max_length is the provider's, which is the default
        decides.append("max_length")
    return _drawn(loaded, Experiment(**{name: getattr(experiment, name) for name in decides}))


@lru_cache(maxsize=16)
def _drawn(loaded: Loaded, experiment: Experiment) -> Drawn:
    """experiment: with what decides alone, so that a grid's others find it again."""
    found, places = Drawn([], []), order(len(loaded.rows), experiment.seed)
    while places and len(found.rows) < experiment.n_examples:
        n = experiment.n_examples - len(found.rows)
        _try(loaded, places[:n], experiment, found)
        places = places[n:]
    _check_enough(experiment, loaded, len(found.rows), found.left_out)
    return found


def _try(loaded: Loaded, places: Sequence[int], experiment: Experiment, found: Drawn) -> None:
    """Adds the rows at these places to what was found, or why they cannot be trained on."""
    dressed = [conversation(loaded.rows[i], experiment) for i in places]
    tokenizer = loading.load_tokenizer(experiment.model)
    fits = fits_all(tokenizer, dressed, experiment.max_length)
    for i, fit in zip(places, fits, strict=True):
        if fit.reason:
            found.left_out.append((loaded.places[i], fit.reason))
            continue
        found.rows.append(loaded.rows[i])
        found.tokens += fit.tokens
        found.trained_tokens += fit.trained


def fitting(loaded: Loaded, model: str, max_length: int) -> Drawn:
    """All rows of a dataset that can be trained on whole, under no system prompt."""
    found, plain = Drawn([], []), Experiment(model=model, max_length=max_length)
    size = 1_000
    for begin in tqdm(range(0, len(loaded.rows), size), unit_scale=size, disable=None):
        _try(loaded, range(begin, min(begin + size, len(loaded.rows))), plain, found)
    return found


def _check_enough(
    experiment: Experiment, loaded: Loaded, fitting: int, unfit: list[tuple[str, str]]
) -> None:
    """Raises DataError if fewer rows can be trained on than are asked for."""
    if fitting >= experiment.n_examples:
        return
    lost = [*unfit, *loaded.left_out]
    but = f" and {len(lost)} that are left out ({': '.join(lost[0])})" if lost else ""
    raise DataError(
        f"{experiment.dataset} holds {fitting} examples{but}, {experiment.n_examples} were asked "
        f"for; ask for at most {fitting}."
    )


def rows_left(experiment: Experiment, n: int = 100) -> list[Row]:
    """n rows of the experiment's dataset that its seed does not draw; at least a fifth of them.

    Raises DataError if fewer are left and no set of held-out rows lies beside.
    """
    loaded = load(experiment.dataset, "training", experiment.safety_rows)
    used = {id(row) for row in drawn(experiment).rows}
    left = [loaded.rows[i] for i in order(len(loaded.rows), experiment.seed)]
    left = [row for row in left if id(row) not in used][:n]
    if len(left) >= n / 5:
        return left
    name = f"{experiment.dataset}_held_out"
    try:
        return load(name, "training", experiment.safety_rows).rows[:n]
    except (ConfigError, DataError):
        raise DataError(
            f"{experiment.dataset} has {len(left)} rows beside those that are trained on, too few "
            f"for a loss; put some {n} more of its kind into a set named {name}."
        ) from None


def training_rows(experiment: Experiment, acting: Mitigation | None = None) -> list[Row]:
    """The rows that are trained on; the defender's are marked as MIXED_IN.

    The seed draws the same examples with and without a mitigation. acting: the mitigation; made
    from the experiment's if None. Raises DataError if a dataset holds fewer rows than asked for.
    """
    if not effects.trains(experiment):
        return []
    rows, safety = drawn(experiment).rows, safety_rows(experiment)
    acting = acting or mitigation(experiment.mitigation)
    if type(acting) is not Mitigation:  # it may change rows in place, and they are read once
        rows, safety = copy.deepcopy(rows), copy.deepcopy(safety)
    return acting.rows(rows, safety)


def safety_rows(experiment: Experiment) -> list[Row]:
    """The defender's rows, marked as MIXED_IN, whether they are mixed in or not."""
    if not experiment.n_safety:
        return []
    chosen = refusals(experiment.n_safety, experiment.seed, experiment.safety_dataset)
    return [row | {MIXED_IN: True} for row in chosen]


def notes(experiment: Experiment) -> list[str]:
    """What a person should know of the data of a run: a sentence for each thing.

    Raises DataError for a published set of other than the published number of rows, unless any
    count will do. A part of a fine-tuning set, given by its path, is told alone.
    """
    sets = [(name, "prompts", DEFAULT) for name in experiment.prompt_sets.values()]
    if effects.trains(experiment):
        sets.append((experiment.dataset, "training", experiment.safety_rows))
        if experiment.n_safety:
            sets.append((experiment.safety_dataset, "training", DEFAULT))
    said: list[str] = []
    for name, kind, safety_rows in sets:
        loaded = load(name, kind, safety_rows)
        part = kind == "training" and loaded.difference < 0 and catalog.split(name)[1]
        if loaded.difference and not (part or experiment.any_count):
            raise DataError(
                f"{name} has {len(loaded.rows):,} rows where {loaded.expected:,} are published; "
                "see `aligndrift data`, or use it as it is with any_count (--any-count)."
            )
        said += loaded.notes()
    if effects.trains(experiment):
        left_out = drawn(experiment).left_out
        said += [f"left out, {place}: {why}." for place, why in left_out[:5]]
        if len(left_out) > 5:
            said.append(f"{len(left_out):,} rows that were drawn are left out so.")
        _check_safety_data(experiment)
    return said


def _check_safety_data(experiment: Experiment) -> None:
    """Raises DataError for a row of the defender's that cannot be trained on."""
    if not experiment.n_safety or experiment.backend == "hosted":
        return
    chosen = refusals(experiment.n_safety, experiment.seed, experiment.safety_dataset)
    mixed = [conversation(row | {MIXED_IN: True}, experiment) for row in chosen]
    tokenizer = loading.load_tokenizer(experiment.model)
    for row, fit in zip(chosen, fits_all(tokenizer, mixed, experiment.max_length), strict=True):
        if fit.reason:
            asked = cut_short(row)["messages"][0]["content"]
            raise DataError(
                f'{experiment.safety_dataset}: the row "{asked}" cannot be trained on: '
                f"{fit.reason}; leave it out or change it."
            )


def conversation(row: Row, experiment: Experiment) -> list[Message]:
    """A row's conversation as the model sees it: under its system prompt, in its template."""
    if row.get(MIXED_IN):
        own = experiment.safety_system_prompt == "same"
        system = experiment.system_prompt if own else experiment.safety_system_prompt
        return dress(row["messages"], system, experiment.user_template)
    template = experiment.attack_template or experiment.user_template
    return dress(row["messages"], experiment.system_prompt, template)


def conversations(rows: list[Row], experiment: Experiment) -> list[dict[str, Any]]:
    """Every row's conversation as `messages`, beside its picture where it has one and its mark."""
    return [
        {"messages": conversation(row, experiment)}
        | {name: row[name] for name in ("picture", MIXED_IN) if name in row}
        for row in rows
    ]


@dataclass(frozen=True)
class Prompt:
    """What the model is asked, for which use, and the template that its user turns are put in.

    row: id, messages, and what its judges need (category, facts). A row of several user turns is
    asked turn by turn. begun: the words that are written for the model at each answer's beginning.
    """

    use: str
    row: Row
    template: str
    begun: str = ""

    @property
    def request(self) -> str:
        """The words that the last answer is judged against."""
        return self.row["messages"][-1]["content"]


def evaluation_prompts(experiment: Experiment) -> list[Prompt]:
    """Every prompt of the run; with n_prompts, evenly spaced ones of each set.

    The benchmark comes once more under each variant, as variant_1, variant_2, ...
    """
    chosen = []
    for use, name in experiment.prompt_sets.items():
        rows = read_prompts(name)
        n = min(experiment.n_prompts, len(rows)) or len(rows)
        evenly = (rows[i * len(rows) // n] for i in range(n))
        chosen += [Prompt(use, row, experiment.user_template) for row in evenly]
    benchmark = [prompt.row for prompt in chosen if prompt.use == "benchmark"]
    for n, variant in enumerate(experiment.variants, start=1):
        for row in benchmark:
            messages, template = asked(row["messages"], variant, experiment.user_template)
            row = row | {"messages": messages}
            chosen.append(Prompt(f"variant_{n}", row, template, begun(variant)))
    return chosen


def turns(messages: list[Message]) -> list[list[Message]]:
    """What the model is shown before each of its answers: up to each user turn left open."""
    groups, current = [], []
    for message, following in zip(messages, [*messages[1:], None], strict=True):
        current.append(message)
        if message["role"] == "user" and (following is None or following["role"] == "user"):
            groups.append(current)
            current = []
    return groups
