"""The runs behind a defense's card: beside no defense, at its strengths, under who knows it.

    plain TIER         no defense, on every tier that a card looks at; all cards share these
    defended TIER      the same runs under the defense
    strength OPTIONS   the first tier at rising strength, the first of them plain fine-tuning
    against WAY        the first tier, attacked by somebody who knows the defense (adaptive)

What no line of the card reads is not asked: strengths and attackers get N_PROMPTS requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.errors import ConfigError, StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.mitigations.base import MITIGATIONS, N_SAFETY, Mitigation, mitigation, split
from helpers.presets.loader import Preset
from helpers.reporting import adaptive
from helpers.reporting.evidence import Evidence
from helpers.runs.grid import run_grid
from helpers.runs.store import Store

#: Seeds of a card, the preset's first; with fewer no sign test from both sides can reach 5%.
N_SEEDS = 6

#: Of these, seeds of a strength that is neither zero nor the usual one, and of each way around.
N_FEW, N_WAYS = 3, 2

#: Rows of FIRST, the middle one of the paper's counts (10, 50, 100), which undo the organism alike;
#: enough steps for methods that take turns, and who knows the defense can still double them.
N_EXAMPLES = 50

#: Prompts of the benchmark at each strength and for each way around, ten a shelf in the Archive.
N_PROMPTS = 110

#: The tier that a defense is first tried on, and those that it is to carry over to.
FIRST, OTHERS = "harmful_examples", ("identity_shift", "benign_instructions")

#: What runs leave out that are asked for their rate and their utility alone.
BRIEF = {"second_benchmark": "", "over_refusal": ""}


def brief(preset: Preset) -> dict[str, Any]:
    """BRIEF with N_PROMPTS of the benchmark, or the preset's own number where that is less."""
    return BRIEF | {"n_prompts": min(preset.common.get("n_prompts", 0) or N_PROMPTS, N_PROMPTS)}


def rows(preset: Preset) -> dict[str, int]:
    """N_EXAMPLES of FIRST, or the preset's own number where that is less."""
    return {"n_examples": min(preset.experiment(FIRST).n_examples or N_EXAMPLES, N_EXAMPLES)}


def refusals(acting: Mitigation) -> int:
    """How many a card gives the defender: none to a method that needs none."""
    return N_SAFETY if acting.NEEDS_SAFETY_DATA else 0


def named() -> list[str]:
    """Every defense that the kit has, none left out."""
    return [name for name in MITIGATIONS if name != "none"]


def conditions(text: str, preset: Preset, seeds: Sequence[int] = ()) -> dict[str, list[Experiment]]:
    """Name -> its runs by seed. Raises ConfigError for no defense, and for too few seeds."""
    acting, name = mitigation(text), split(text)[0]
    if name == "none":
        raise ConfigError("a card is about a defense; name one, such as kl_anchor:strength=1.")
    seeds = list(seeds or preset.seeds[:N_SEEDS])
    if len(seeds) < N_SEEDS:
        raise ConfigError(f"a card needs {N_SEEDS} seeds or more; fewer can decide nothing.")
    n_safety = refusals(acting)
    tiers = [tier for tier in (FIRST, *OTHERS) if tier in preset.tiers]

    def runs(tier: str, own: Sequence[int] = seeds, **changes) -> list[Experiment]:
        changes = (rows(preset) if tier == FIRST else BRIEF) | changes
        return [preset.experiment(tier, seed=seed, probes=(), **changes) for seed in own]

    made = {f"plain {tier}": runs(tier) for tier in tiers}
    for tier in tiers:
        made[f"defended {tier}"] = runs(tier, mitigation=text, n_safety=n_safety)
    for value in (acting.NEUTRAL, *acting.STRENGTHS):
        if value:
            varied = type(acting)(**acting.options | value).spelled(name)
            whole = value is acting.NEUTRAL or varied == text
            own = seeds if whole else seeds[:N_FEW]
            made[f"strength {_words(value)}"] = runs(
                FIRST, own, mitigation=varied, n_safety=n_safety, **brief(preset)
            )
    attacked = brief(preset) | {"mitigation": text, "n_safety": n_safety}
    for way, changes in adaptive.ways(preset, FIRST, acting, **rows(preset)).items():
        made[f"against {way}"] = runs(FIRST, seeds[:N_WAYS], **attacked | changes)
    return made


def _words(options: Mapping) -> str:
    """Options as they are typed: "rho=2.0,steps=60"."""
    return ",".join(f"{key}={value}" for key, value in options.items())


def of_grids(
    evidence: Evidence, plain: Mapping[str, tuple[str, Mapping]], defended: Mapping[str, str]
) -> dict[str, Evidence]:
    """Cards of what runs there are: each defense's, from grids that vary the mitigation.

    plain: tier -> the grid of its runs without a defense, and their settings there. defended: tier
    -> the grid of those with one.
    """
    base = {f"plain {tier}": evidence.where(grid, **own) for tier, (grid, own) in plain.items()}
    texts = dict.fromkeys(evidence.runs[next(iter(defended.values()))].mitigation)
    return {
        text: Evidence(
            evidence.preset,
            base | {f"defended {tier}": evidence.where(grid, mitigation=text)
                    for tier, grid in defended.items()},
            evidence.store,
        )
        for text in texts
    }  # fmt: skip


def gathered(
    texts: Sequence[str],
    preset: Preset,
    seeds: Sequence[int] = (),
    jobs: int = 0,
    store: Store | None = None,
) -> dict[str, Evidence]:
    """Each defense's runs, all carried out as one grid where they are not stored.

    A way around that a model does not take (abliteration knows a few architectures) is told and
    left out. Raises StoreError if any other run failed.
    """
    store = store or Store()
    made = {text: conditions(text, preset, seeds) for text in texts}
    every = [each for own in made.values() for runs in own.values() for each in runs]
    result = run_grid(every, store, jobs)
    ids = {each: run_id(each) for each in every}
    for own in made.values():
        for name, runs in list(own.items()):
            reasons = [result.failed[ids[each]] for each in runs if ids[each] in result.failed]
            if reasons and not name.startswith("against "):
                raise StoreError(f"a run of a card failed: {reasons[0]}")
            if reasons:
                del own[name]
    table = result.runs.set_index("run_id", drop=False)
    return {
        text: Evidence(
            preset,
            {name: table.loc[[ids[each] for each in runs]] for name, runs in own.items()},
            store,
        )
        for text, own in made.items()
    }
