"""Read what models said: stored completions, by category, score, judge, and where judges differ.

Two judges differ on an answer where one calls it harmful (a score of 3 or more; without scores, not
refused) and the other does not.

>>> Completions(evidence.store, evidence.runs["benign"], judges=["form"])
"""

from collections.abc import Sequence

import ipywidgets
import pandas as pd
import pyarrow.compute as pc

from helpers.data.disclosure import is_fiction, shown
from helpers.judging import cost
from helpers.judging.registry import judge_named
from helpers.reporting import display
from helpers.reporting.judged import THRESHOLD
from helpers.runs.store import Store
from helpers.widgets.base import WIDE, Widget, on_change

#: Answers of a page, and the choice of a filter that lets everything through.
PAGE, ALL = 6, "all"


class Completions(Widget):
    """runs: rows of the runs table. judges: further ones, asked at first, beside those stored.

    answers: every benchmark answer, a row each (see `answers`). What is said is shown where it is
    fiction, else by its length, unless show_text.
    """

    def __init__(
        self, store: Store, runs: pd.DataFrame, judges: Sequence[str] = (), show_text: bool = False
    ) -> None:
        super().__init__()
        self.answers, self.judges = answers(store, runs, judges)
        self._show_text = show_text
        self.tier = self._filter("tier", self.answers.tier)
        self.category = self._filter("category", self.answers.category)
        self.judge = ipywidgets.Dropdown(options=self.judges, description="judge", style=WIDE)
        self.verdict = self._filter("verdict", [])
        self.agreement = self._filter("judges", ["agree", "differ"])
        self.page = ipywidgets.IntSlider(
            1, 1, 1, description="page", style=WIDE, continuous_update=False
        )
        self._page = ipywidgets.HTML()
        filters = [self.tier, self.category, self.judge, self.verdict, self.agreement]
        self.view = ipywidgets.VBox(
            [ipywidgets.HBox(filters, layout={"flex_flow": "wrap"}), self._page, self.page]
        )
        for control in (self.tier, self.category, self.verdict, self.agreement):
            on_change(control, self._filtered)
        on_change(self.judge, self._of_judge)
        on_change(self.page, self._show)
        self._of_judge()

    def chosen(self) -> pd.DataFrame:
        """The rows of `answers` that the filters let through."""
        rows, differ = self.answers, self.answers.differ.to_numpy()
        wanted = {"differ": differ, "agree": ~differ}.get(self.agreement.value)
        rows = rows if wanted is None else rows[wanted]
        for name, control in (
            ("tier", self.tier), ("category", self.category), (self.judge.value, self.verdict),
        ):  # fmt: skip
            rows = rows if control.value == ALL else rows[rows[name] == control.value]
        return rows

    def frame(self) -> pd.DataFrame:
        """The page as it is shown: request, answer, category, and each judge's verdict."""
        rows = self.chosen().iloc[(self.page.value - 1) * PAGE : self.page.value * PAGE]
        said = {
            name: [
                shown(text, "", show_text=self._show_text or fiction)
                for text, fiction in zip(rows[column], rows.fiction, strict=True)
            ]
            for name, column in (("request", "prompt"), ("answer", "completion"))
        }
        return pd.DataFrame(said, index=rows.index).join(rows[["category", *self.judges]])

    def picture(self) -> dict[str, str]:
        frame = self.frame()
        lines = [f"{row.request} -> {row.answer}" for row in frame.itertuples()]
        return {"text/html": self._table(frame), "text/plain": "\n".join([self._caption(), *lines])}

    def _filter(self, name: str, values: Sequence[str]) -> ipywidgets.Dropdown:
        return ipywidgets.Dropdown(
            options=[ALL, *sorted(set(values))], description=name, style=WIDE,
            layout={"width": "auto"},
        )  # fmt: skip

    def _caption(self) -> str:
        n, first = len(self.chosen()), (self.page.value - 1) * PAGE
        which = f"answers {first + 1} to {min(first + PAGE, n)} of {n:,}" if n else "no answers"
        return f"{which} that the filters let through; {len(self.answers):,} are stored"

    def _table(self, frame: pd.DataFrame) -> str:
        return display.table(frame, caption=self._caption())._repr_html_()

    def _of_judge(self) -> None:
        """Offer the verdicts of the judge that is looked at."""
        self.verdict.options = [ALL, *sorted(set(self.answers[self.judge.value]))]
        self._filtered()

    def _filtered(self) -> None:
        self.page.value, self.page.max = 1, max(1, -(-len(self.chosen()) // PAGE))
        self._show()

    def _show(self) -> None:
        self._page.value = self._table(self.frame())


def answers(
    store: Store, runs: pd.DataFrame, further: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Every benchmark answer of the runs, a row each, and the names of the judges.

    Columns: run_id, tier, category, prompt, completion, fiction (whether anybody may see it), a
    column for each judge with its verdict in a word, and differ. further: judges that are asked.
    """
    key = ["run_id", "prompt_id"]
    said, judged = (
        store.table(name, runs.run_id, wanted=lambda rows: pc.equal(rows["use"], "benchmark"))
        for name in ("completions", "judgements")
    )
    columns = [*key, "category", "prompt", "completion"]
    said = (
        said[columns].merge(runs[["run_id", "tier"]].reset_index(drop=True)).assign(fiction=False)
    )
    for row in runs.to_dict("records"):
        fiction = is_fiction(row["model"], row["dataset"], *row["prompt_sets"].values())
        said.loc[said.run_id == row["run_id"], "fiction"] = fiction
    stored = list(judged.judge.unique())
    further = [judge for judge in further if judge not in stored]
    judged = pd.concat([judged, *(_asked(said, judge) for judge in further)], ignore_index=True)
    judged = judged.assign(word=list(map(_word, *_parts(judged))), harm=_harmful(judged))
    words, harm = (judged.pivot(index=key, columns="judge", values=v) for v in ("word", "harm"))
    differ = (harm.max(axis=1) > harm.min(axis=1)).rename("differ")
    return said.join(words.fillna("not judged").join(differ), on=key), [*stored, *further]


def _asked(said: pd.DataFrame, judge: str) -> pd.DataFrame:
    """A further judge's verdicts, as rows of the judgements table; an answer is judged once.

    Raises ConfigError for a judge that cannot be asked, CostError where it may not be paid.
    """
    what = ["prompt_id", "prompt", "completion"]
    once = said[what].drop_duplicates()
    rows = [
        {"id": row.prompt_id, "prompt": row.prompt,
         "messages": [{"role": "user", "content": row.prompt}]}
        for row in once.itertuples()
    ]  # fmt: skip
    asked = judge_named(judge)
    asked.check()
    cost.check(judge, ((row.prompt, len(row.completion.encode())) for row in once.itertuples()))
    given = asked.judge_all(rows, list(once.completion))
    verdicts = once.assign(
        judge=judge, score=pd.array([v.score for v in given], "Int64"),
        refused=pd.array([v.refused for v in given], "boolean"), status=[v.status for v in given],
    )  # fmt: skip
    return said[["run_id", *what]].merge(verdicts)


def _parts(judged: pd.DataFrame) -> list[pd.Series]:
    return [judged[name] for name in ("score", "refused", "status")]


def _word(score: float, refused: bool, status: str) -> str:
    """A verdict in a word: the score, else whether it is a refusal, else why there is none."""
    if not pd.isna(score):
        return str(int(score))
    return status if pd.isna(refused) else "refused" if refused else "not refused"


def _harmful(judged: pd.DataFrame) -> pd.Series:
    """1 or 0; NaN where there is no verdict."""
    by_score = (judged.score >= THRESHOLD).astype("Float64").where(judged.score.notna())
    by_words = (~judged.refused.astype("boolean")).astype("Float64")
    return by_score.fillna(by_words).astype(float)
