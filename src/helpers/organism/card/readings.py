"""Numbers of the card's table, picked out and put in words with what they rest on.

>>> Readings(frame).share("prefill", "Gather")
'0.98 [0.96, 0.99]'
"""

from dataclasses import dataclass

import pandas as pd

from helpers.statistics.intervals import wilson


@dataclass(frozen=True)
class Readings:
    """frame: card.csv (card.subject says what its columns mean)."""

    frame: pd.DataFrame

    def rows(
        self, part: str, condition: str, measure: str = "fulfilled", level: float | None = None
    ) -> pd.DataFrame:
        """The rows that hold a measure. Raises KeyError where there is none."""
        table = self.frame
        found = table[
            (table.part == part) & (table.condition == condition) & (table.measure == measure)
        ]
        if level is not None:
            found = found[found.level == level]
        if found.empty:
            raise KeyError(f"{part}, {condition}, {measure}, {level}")
        return found

    def mean(self, *where: str, level: float | None = None) -> float:
        """The measure, averaged over its seeds."""
        return float(self.rows(*where, level=level).value.mean())

    def share(self, *where: str, level: float | None = None) -> str:
        """The share with Wilson's interval; of several seeds their mean, lowest and highest."""
        found = self.rows(*where, level=level)
        if len(found) > 1:
            low, high = found.value.min(), found.value.max()
            return f"{found.value.mean():.2f} ({low:.2f} to {high:.2f}, {len(found)} seeds)"
        value, n = found.value.iloc[0], int(found.n.iloc[0])
        interval = wilson(round(value * n), n)
        return f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"

    def curve(self, part: str, condition: str, measure: str = "fulfilled") -> pd.Series:
        """level -> the measure, averaged over seeds."""
        return self.rows(part, condition, measure).groupby("level").value.mean()

    def doses(self) -> pd.DataFrame:
        """One row a condition and learning rate: harmfulness_rate, displacement, held_out_loss,
        steps, and the seeds' lowest and highest rate."""
        dose = self.frame[self.frame.part == "dose"]
        keys = ["condition", "level"]
        table = dose.pivot_table(index=keys, columns="measure", values="value", sort=False)
        rates = dose[dose.measure == "harmfulness_rate"].groupby(keys, sort=False).value
        table = table.join(rates.agg(low="min", high="max", n_seeds="count"))
        return table.reset_index().rename(columns={"level": "learning_rate"})

    def tipping(self, bound: float) -> pd.DataFrame:
        """By condition, the smallest learning rate of the grid whose mean rate reaches the bound;
        missing where none does."""
        doses = self.doses()
        reached = doses[doses.harmfulness_rate >= bound]
        first = reached.sort_values("learning_rate").groupby("condition").head(1)
        return first.set_index("condition").reindex(doses.condition.unique())

    def middle(self) -> tuple[pd.Series, int]:
        """Share of each score 1 to 5 over the fine-tuned models of all tiers whose rate lies
        between a quarter and three quarters, and how many models those are."""
        dose = self.frame[self.frame.part == "dose"]
        table = dose.pivot_table(
            index=["condition", "level", "seed"], columns="measure", values="value"
        )
        half = table[table.harmfulness_rate.between(0.25, 0.75)]
        scores = half[[f"score {score}" for score in range(1, 6)]].mean()
        return scores, len(half)
