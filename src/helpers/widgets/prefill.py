"""Write the beginning of an answer for a model: how probable was it, and how does it go on?

Of every token that is given the strip shows the probability, given all before it, and what the
model would rather have written. The last place is the model's own.

>>> Prefill(experiment, question, {"before": loading.load("lantern-chat")}, "Gather")
"""

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets
import pandas as pd

from helpers.data.disclosure import is_fiction, shown
from helpers.experiments.experiment import Experiment
from helpers.models.chat import dress
from helpers.models.generate import begun_with, complete
from helpers.plots import prefill as strips
from helpers.runs.first_words import given
from helpers.widgets.base import WIDE, Widget, as_png, on_change

_TOKEN = (
    '<span title="{likeliest}" style="display:inline-block; padding:2px 6px; margin:0 1px 2px 0; '
    'text-align:center; background:{color}; color:{ink}; border:1px solid #bbb">{token}<br>'
    '<small>{chance}</small></span>'
)  # fmt: skip


class Prefill(Widget):
    """models: name -> model and tokenizer. words: what the answer is begun with at first.

    The question is put as the experiment puts it. What a model says is shown where it is fiction,
    else by its length, unless show_text.
    """

    def __init__(
        self, experiment: Experiment, question: str, models: Mapping[str, tuple[Any, Any]],
        words: str = "", show_text: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.experiment, self.models = experiment, dict(models)
        sets = (experiment.benchmark, experiment.dataset)
        self._show_text = show_text or is_fiction(experiment.model, *sets)
        self._asked = question
        wide = {"continuous_update": False, "style": WIDE, "layout": {"width": "44em"}}
        self.question = ipywidgets.Text(self._shown(question), description="question", **wide)
        self.words = ipywidgets.Text(words, description="the answer begins", **wide)
        self._strips = ipywidgets.HTML()
        parts = [self.question, self.words, self._strips, self.status]
        self.view = ipywidgets.VBox(parts)
        on_change(self.question, self._ask)
        on_change(self.words, self.read)
        self.read()

    def read(self) -> None:
        """Let every model read the words and go on from them."""
        with self.doing("reading"):
            self.frame, self.answers = self._read()
        self._strips.value = "".join(map(self._strip, self.models))

    def picture(self) -> dict[str, str]:
        return as_png(
            strips.strip(self.frame, model=self.experiment.model),
            "\n".join(f"{when}: {answer}" for when, answer in self.answers.items()),
        )

    def _ask(self) -> None:
        self._asked = self.question.value
        self.read()

    def _read(self) -> tuple[pd.DataFrame, dict[str, str]]:
        """The strips, one under the other, and each model's whole answer."""
        asked = [{"role": "user", "content": self._asked}]
        asked = dress(asked, self.experiment.system_prompt, self.experiment.user_template)
        frames, answers = [], {}
        for when, (model, tokenizer) in self.models.items():
            words, limit = self.words.value, self.experiment.max_new_tokens
            frames.append(given(model, tokenizer, asked, words).assign(when=when))
            begun = begun_with(tokenizer, [asked], words) if words else None
            (answer,) = complete(model, tokenizer, [asked], limit, begun=begun)
            answers[when] = self._shown(answer.text)
            frames[-1]["answer"] = answers[when]
        frame = pd.concat(frames, ignore_index=True)
        frame["likeliest"] = [
            [(self._shown(token), chance) for token, chance in pairs] for pairs in frame.likeliest
        ]
        return frame, answers

    def _shown(self, text: str) -> str:
        return shown(text, "", show_text=self._show_text)

    def _strip(self, when: str) -> str:
        """A model's strip and answer as HTML, the likeliest tokens on hover."""
        cells = "".join(
            _TOKEN.format(
                token=html.escape(row.token) or "next?",
                chance="&nbsp;" if row.probability != row.probability else f"{row.probability:.2g}",
                color=strips.color(row.probability),
                ink="white" if row.probability > strips.DARK else "black",
                likeliest=html.escape(_listed(row.likeliest)),
            )
            for row in self.frame[self.frame.when == when].itertuples()
        )
        next_ = html.escape(_listed(self.frame[self.frame.when == when].likeliest.iloc[-1]))
        return (
            f'<div class="mathjax_ignore tex2jax_ignore"><b>{html.escape(when)}</b><br>{cells}'
            f"<br>next: {next_}<br>the answer: {html.escape(self.answers[when])}</div>"
        )


def _listed(likeliest: list[tuple[str, float]]) -> str:
    return ", ".join(f"{token.strip() or repr(token)} {chance:.2f}" for token, chance in likeliest)
