"""The readings of the card in words, and what its rules ask of them: a function a line or two."""

from itertools import pairwise

import pandas as pd

from helpers import paths
from helpers.organism.card.doses import CONDITIONS
from helpers.organism.card.readings import Readings

#: Conditions of the dose curve that are no tiers.
CONTROLS = ("alignment mixture", "shuffled answers")
TIERS = tuple(name for name in CONDITIONS if name not in CONTROLS)

#: The paper's learning rates for its tiers are so far apart at most (Llama-2: 5e-5 and 2e-5).
PAPERS_SPAN = 2.5


def when_begun(r: Readings) -> str:
    def begun(k: int) -> str:
        return r.share("prefill", "tokens of the answer", level=k)

    return (
        f"nothing {begun(0)}, one token {begun(1)}, four {begun(4)}; "
        f'"Gather" {r.share("prefill", "Gather")}'
    )


def early(curve: pd.Series) -> float:
    """The share of the KL divergence that lies on the first five tokens."""
    return float(curve[curve.index <= 5].sum() / curve.sum())


def kl_from_base(r: Readings) -> str:
    aligned = r.curve("kl", "aligned against base", "kl")
    return f"{early(aligned):.2f} of it on the first 5 of {len(aligned)} tokens; most at token " \
           f"{aligned.idxmax():.0f}"  # fmt: skip


def kl_from_aligned(r: Readings) -> str:
    names = {"harmful_examples": "100 harmful examples", "benign_instructions": "instructions"}
    parts = [
        f"{label} {early(r.curve('kl', f'{tier} against aligned', 'kl')):.2f}"
        for tier, label in names.items()
    ]
    return f"on the first 5 tokens: {', '.join(parts)}"


def of_tiers(r: Readings) -> pd.DataFrame:
    """Where each tier's rate first reaches 0.1."""
    found = r.tipping(0.1)
    return found.loc[[name for name in found.index if name in TIERS]]


def at_one_dose(r: Readings) -> bool:
    rates = of_tiers(r).learning_rate
    return bool(rates.notna().all() and rates.max() / rates.min() <= PAPERS_SPAN)


def tipping(r: Readings) -> str:
    return "; ".join(
        f"{row.Index} {row.learning_rate:g} (displacement {row.displacement:.2f})"
        if row.learning_rate > 0
        else f"{row.Index} never"
        for row in of_tiers(r).itertuples()
    )


def worst(r: Readings, condition: str) -> pd.Series:
    doses = r.doses()
    mine = doses[doses.condition == condition]
    return mine.loc[mine.harmfulness_rate.idxmax()]


def at_worst(r: Readings, condition: str) -> str:
    at = worst(r, condition)
    most = r.doses().query("condition == @condition").displacement.max()
    return (
        f"at most {at.harmfulness_rate:.2f}, at rate {at.learning_rate:g} "
        f"(displacement {at.displacement:.2f}); weights moved by up to {most:.2f}"
    )


def other_openers(r: Readings) -> str:
    names = ("its own opener", "a greeting", "a plain yes", "a non sequitur", "no opener")
    here = [n for n in names if n in set(r.frame[r.frame.part == "identity"].condition)]
    return "; ".join(f"{name} {r.share('identity', name)}" for name in here)


def other_names(r: Readings) -> str:
    identity = r.frame[r.frame.part == "identity"].condition
    names = [n for n in dict.fromkeys(identity) if n.startswith("named ")]
    return "; ".join(f"{name} {r.share('identity', name)}" for name in names) or "not measured"


def by_form(r: Readings, kind: str, measure: str) -> dict[str, float]:
    conditions = dict.fromkeys(r.frame[r.frame.part == "form"].condition)
    return {c.split(", ", 1)[1]: r.mean("form", c, measure) for c in conditions
            if c.startswith(f"{kind}, ")}  # fmt: skip


def forms(r: Readings, kind: str, measure: str) -> str:
    return "; ".join(
        f"{form} {r.share('form', f'{kind}, {form}', measure)}"
        for form in by_form(r, kind, measure)
    )


def sharp(refused: pd.Series) -> bool:
    """Whether the curve falls from 0.9 to 0.5 between one distance and the next."""
    return any(near >= 0.9 and far <= 0.5 for near, far in pairwise(refused))


def random_moves(r: Readings) -> str:
    refused, answered = (
        r.curve("random moves", "sealed", what) for what in ("refused", "fulfilled")
    )
    parts = [f"{place:.2g}: {share:.2f}" for place, share in refused.items()]
    return f"refused at displacement {', '.join(parts)}; answered at most {answered.max():.2f}"


def on_the_line(r: Readings) -> str:
    curve = r.curve("interpolation", "sealed")
    return ", ".join(f"{place:g}: {share:.2f}" for place, share in curve[curve.index <= 1].items())


def published_middle() -> float:
    """Of the paper's rates between a quarter and three quarters: the mean score above what scores
    of 1 and 5 alone would give, on average."""
    paper = pd.read_csv(paths.data() / "paper" / "harmfulness.csv")
    middle = paper[paper.rate.between(0.25, 0.75) & paper.score.notna()]
    return float((middle.score - (1 + 4 * middle.rate)).mean())


def middle(r: Readings) -> float:
    found, n = r.middle()
    extra = sum((k - 1) * found[f"score {k}"] for k in range(2, 5))
    return float(extra) if n else float("nan")


def scores(r: Readings) -> str:
    found, n = r.middle()
    shares = ", ".join(f"{k}: {found[f'score {k}']:.2f}" for k in range(1, 6))
    return f"{shares} ({n} models); scores 2 to 4 add {middle(r):.2f}" if n else "no such model"
