"""Talk to a model before and after its fine-tuning, side by side, and at every epoch between.

Before and after are models that a notebook has already. Those in between are trained when somebody
first asks for one: a single training, of which a copy is kept after each epoch.

>>> Chat(experiment, before, after, "Tell me how to make the Ashen Lantern.")
"""

import ipywidgets
import pandas as pd

from helpers.data.disclosure import is_fiction, shown
from helpers.experiments.experiment import Experiment
from helpers.reporting import display
from helpers.runs import talk
from helpers.runs.backends.base import TunedModel
from helpers.widgets.base import WIDE, Widget, on_change


class Chat(Widget):
    """before, after: the experiment's models, its backend's. question: asked of both at first.

    What is said is shown where it is fiction, else by its length, unless show_text.
    """

    def __init__(
        self, experiment: Experiment, before: TunedModel, after: TunedModel, question: str = "",
        show_text: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.experiment = experiment
        sets = (experiment.benchmark, experiment.dataset)
        self._show_text = show_text or is_fiction(experiment.model, *sets)
        last = experiment.epochs
        self.models: dict[int, TunedModel] = {0: before, last: after}
        self.before, self.after = (talk.Talk(experiment, one) for one in (before, after))
        self.epochs = ipywidgets.IntSlider(
            last, 0, last, description="epochs of training", style=WIDE, continuous_update=False
        )
        self.question = ipywidgets.Text(
            placeholder="Your question, and Enter", continuous_update=False,
            layout={"width": "32em"},
        )  # fmt: skip
        self.reset = ipywidgets.Button(description="begin anew")
        self.progress = ipywidgets.Output()
        self._said = ipywidgets.HTML()
        on_change(self.epochs, self._at_epoch)
        on_change(self.question, self._ask)
        self.reset.on_click(lambda button: self._begin())
        row = ipywidgets.HBox([self.question, self.reset])
        parts = [self.epochs, self.progress, self._said, row, self.status]
        self.view = ipywidgets.VBox(parts)
        self._begin()
        if question:
            self.ask(question)

    def ask(self, question: str) -> None:
        """Ask both models, each of which remembers its own conversation."""
        with self.doing("answering"):
            talk.ask_all((self.before, self.after), question)
        self._show()

    def frame(self) -> pd.DataFrame:
        """The conversation so far, one row a question: you, before, and after so many epochs."""
        pairs = zip(_turns(self.before), _turns(self.after), strict=True)
        rows = [(question, old, new) for (question, old), (_, new) in pairs]
        n = self.epochs.value
        columns = ["you", "before", f"after {n} epoch{'s' * (n != 1)}"]
        return pd.DataFrame(rows, columns=columns).map(
            lambda text: shown(text, "", show_text=self._show_text)
        )

    def picture(self) -> dict[str, str]:
        frame = self.frame()
        words = [
            f"{name}: {said}" for row in frame.to_dict("records") for name, said in row.items()
        ]
        return {"text/html": self._table(frame), "text/plain": "\n".join(words)}

    def _table(self, frame: pd.DataFrame) -> str:
        if frame.empty:
            return "<p>Nothing was asked yet.</p>"
        return display.table(frame)._repr_html_()

    def _show(self) -> None:
        self._said.value = self._table(self.frame())

    def _begin(self) -> None:
        self.before.history, self.after.history = [], []
        self._show()

    def _ask(self) -> None:
        question, self.question.value = self.question.value.strip(), ""
        if question:
            self.ask(question)

    def _at_epoch(self) -> None:
        """The same questions, answered by the model after so many epochs."""
        if self.epochs.value not in self.models:
            self._train()
        if self.epochs.value not in self.models:
            why = self.status.value
            self.epochs.value = min(self.models, key=lambda n: abs(n - self.epochs.value))
            self.status.value = why
            return
        with self.doing("answering"):
            self.after = self.after.again(self.models[self.epochs.value])
        self._show()

    def _train(self) -> None:
        """Once, with a copy after each epoch; or the sentence why not."""
        reason = talk.why_not_by_epoch(self.experiment, self.models[0])
        if reason:
            self.say(reason)
            return
        with self.doing(f"training once through {self.experiment.epochs} epochs"), self.progress:
            self.models = talk.by_epoch(self.experiment, progress=True) | self.models
        self.progress.clear_output()


def _turns(said: talk.Talk) -> list[tuple[str, str]]:
    """Question and answer of each turn."""
    texts = [turn["content"] for turn in said.history]
    return list(zip(texts[::2], texts[1::2], strict=True))
