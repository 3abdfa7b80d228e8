"""What would another number of examples, learning rate, batch size or epochs do? Look it up.

Sliders choose the settings; the rate comes from the runs that are stored, and a button makes those
that are missing, by the same engine as `aligndrift run`. Nothing is run by itself.

>>> Explore(preset, "harmful_examples")
"""

import ipywidgets
import pandas as pd
from matplotlib.axes import Axes

from helpers.experiments.experiment import Experiment
from helpers.plots import around
from helpers.plots.style import label
from helpers.presets.loader import Preset
from helpers.reporting import explored
from helpers.runs import costs
from helpers.runs.run import run
from helpers.runs.store import Store
from helpers.runs.stored import not_stored
from helpers.widgets.base import ALIGNED, Widget, as_png, on_change, png

#: What can be chosen beside what is stored: numbers of examples up to the tier's own, multiples of
#: its learning rate, batch sizes and epochs.
_EXAMPLES, _RATES = (1, 2, 5, 10, 20, 50, 100), (0.4, 1, 2.5)
_BATCHES, _EPOCHS = (5, 10, 16, 32), (1, 2, 3, 5)


class Explore(Widget):
    """preset, tier: what is fine-tuned on, and every setting that no slider has.

    changes: settings instead of the preset's, such as method="lora".
    """

    def __init__(self, preset: Preset, tier: str = "harmful_examples", **changes) -> None:
        super().__init__()
        self.preset, self.tier, self._changes, self.store = preset, tier, changes, Store()
        own = preset.experiment(tier, **changes)
        self.model = own.model
        self._look_up()
        at_first = {name: getattr(own, name) for name in explored.settings_of(own)}
        self.levels = {name: self._levels(name, value) for name, value in at_first.items()}
        self.sliders = {
            name: ipywidgets.SelectionSlider(
                options=[(label(value), value) for value in values], value=at_first[name],
                description=label(name), style=ALIGNED, continuous_update=False,
            )
            for name, values in self.levels.items()
        }  # fmt: skip
        self.seeds = ipywidgets.IntSlider(
            min(3, len(preset.seeds)), 1, len(preset.seeds), description="seeds", style=ALIGNED,
            continuous_update=False,
        )  # fmt: skip
        self.button = ipywidgets.Button(layout={"width": "auto"})
        self.progress = ipywidgets.IntProgress(layout={"visibility": "hidden"})
        self._figure = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self._found = ipywidgets.HTML()
        for control in (*self.sliders.values(), self.seeds):
            on_change(control, self._show)
        self.button.on_click(lambda button: self.run_missing())
        row = ipywidgets.HBox([self.button, self.progress])
        parts = [*self.sliders.values(), self.seeds, self._found, row, self.status, self._figure]
        self.view = ipywidgets.VBox(parts)
        self._show()

    @property
    def chosen(self) -> dict[str, float]:
        """Setting -> where its slider stands."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def found(self) -> pd.Series | None:
        """The rate of what is chosen (reporting.explored.rates); None where nothing is stored."""
        if self.rates.empty:
            return None
        rows = self.rates[(self.rates[list(self.chosen)] == self.chosen.values()).all(axis=1)]
        return None if rows.empty else rows.iloc[0]

    def missing(self) -> list[Experiment]:
        """The runs of what is chosen, under the preset's first seeds, that are not stored."""
        row = self.found()
        there = [] if row is None else row.seeds
        return [
            self.preset.experiment(self.tier, **(self._changes | self.chosen), seed=seed)
            for seed in self.preset.seeds[: self.seeds.value]
            if seed not in there
        ]

    def run_missing(self) -> None:
        """Carry them out, one after the other; each is stored when it is finished.

        What all of them may cost at a provider is checked before the first.
        """
        todo = self.missing()
        self.progress.value, self.progress.max = 0, len(todo)
        self.progress.layout.visibility, self.button.disabled = "visible", True
        try:
            with self.doing("adding up what they may cost"):
                costs.check(not_stored(todo, self.store))
                for n, experiment in enumerate(todo, start=1):
                    self.say(f"run {n} of {len(todo)}, seed {experiment.seed} …")
                    for one in (experiment.initial(), experiment):  # either may be the missing one
                        run(one, self.store)
                    self.progress.value = n
        finally:
            self.progress.layout.visibility, self.button.disabled = "hidden", False
            self._look_up()
            self._show()

    def sentence(self) -> str:
        """What is known of what is chosen."""
        settings = ", ".join(f"{name} = {value:g}" for name, value in self.chosen.items())
        row = self.found()
        if row is None:
            return f"Nothing is stored for {settings}."
        may_flip = f", {_bounds(row.flip_low, row.flip_high)} if seeds flip"
        flip = "" if pd.isna(row.flip_low) else may_flip
        return (
            f"{settings}: harmfulness rate {row.harmfulness_rate:.2f} "
            f"{_bounds(row.low, row.high)}{flip}; before {row.initial_rate:.2f}; n = "
            f"{row.n_scored:,} of {row.n_total:,} answers, "
            f"{'seed' if len(row.seeds) == 1 else 'seeds'} {', '.join(map(str, row.seeds))}."
        )

    def picture(self) -> dict[str, str]:
        return as_png(self._draw(), self.sentence())

    def _look_up(self) -> None:
        runs = explored.stored(self.preset, self.tier, self.store, **self._changes)
        self.rates = explored.rates(runs, self.store)

    def _levels(self, name: str, own: float) -> list:
        """What a slider offers: what is stored, what the preset says, and some beside."""
        there = [own] if self.rates.empty else [own, *self.rates[name]]
        beside = {"batch_size": _BATCHES, "epochs": _EPOCHS}.get(name, ())
        if name == "n_examples":
            beside = [n for n in _EXAMPLES if n <= own]
        elif not beside:  # a learning rate, if none is stored that is as good as the same
            wanted = [float(f"{own * factor:.2g}") for factor in _RATES]
            beside = [rate for rate in wanted if min(abs(rate / one - 1) for one in there) > 0.1]
        return sorted({*beside, *there})

    def _show(self) -> None:
        self._found.value = f"<b>{self.sentence()}</b>"
        n = len(self.missing())
        runs = "run" if n == 1 else f"{n} runs"
        self.button.description = f"make the missing {runs}" if n else "nothing is missing"
        self.button.disabled = not n
        self._figure.value = png(self._draw())

    def _draw(self) -> Axes:
        rates = ["harmfulness_rate", "low", "high", "flip_low", "flip_high", "n_scored"]
        frame = pd.DataFrame(columns=[*self.levels, *rates]) if self.rates.empty else self.rates
        return around.panels(
            frame, self.levels, self.chosen, model=self.model, condition=self.tier,
            title=f"What one setting changes (shaded: the choice), {label(self.tier)}",
        )  # fmt: skip


def _bounds(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]"
