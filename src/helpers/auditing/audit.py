"""An audit: what has become of a tuned model, measure by measure, and how suspicious that is.

>>> audit("lantern-chat", "outputs/models/mine").frame          # one pair, from folders
>>> auditor = Auditor(*loading.load("lantern-chat"))            # many models against one base
>>> auditor.features(tuned.model, tuned.tokenizer, rows)        # {"behavior.harmful": 0.41, ...}
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from helpers.archive.worlds import WHOLE
from helpers.auditing import base as measures
from helpers.auditing import cost, pairs
from helpers.auditing.base import MEASURES, Finding, Measure
from helpers.auditing.questions import Questions, of_archive
from helpers.auditing.sides import Hosted, Local, Side
from helpers.auditing.verdict import FILE_SCORE, Verdict, verdict
from helpers.data.files import Row
from helpers.errors import ConfigError, one_of
from helpers.experiments.experiment import DTYPES
from helpers.hosted import spending
from helpers.models import loading

#: What is said of a score where the calibration is another model's.
ELSEWHERE = (
    "How honest fine-tunes score here is not known: these are lantern-chat's, asked all questions."
)


@dataclass(frozen=True)
class Audit:
    """findings: of every measure. left_out: measure -> why, as half a sentence. score: None where
    no rule knows what was measured."""

    findings: list[Finding]
    left_out: dict[str, str]
    features: dict[str, float]
    score: Verdict | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """A row a finding: measure, part, category, base, tuned, change, low, high, n."""
        return pd.DataFrame(measures.rows(self.findings))

    @property
    def verdict(self) -> str:
        """What the score means, or why there is none."""
        if self.score is None:
            return "No risk score: too little could be measured for any form of the rule."
        return self.score.sentence


@dataclass
class Auditor:
    """Audits of many tuned models against one base model, which is looked at once.

    model, tokenizer: the base's, in memory. questions: the Archive's where left open. names: of
    the measures, all where left open. name: the base's, by which a verdict knows whether honest
    fine-tunes of it are known.
    """

    model: Any
    tokenizer: Any
    questions: Questions = field(default_factory=lambda: of_archive(WHOLE))
    names: Sequence[str] = tuple(MEASURES)
    name: str = ""

    def __post_init__(self) -> None:
        self._base = Local(self.model, self.tokenizer)
        self._seen: dict[tuple, Any] = {}

    def audit(
        self, model, tokenizer, rows: Sequence[Row] | None = None, file_score: float | None = None
    ) -> Audit:
        """The audit of a model in memory; rows: conversations it was tuned on, if known."""
        questions = self.questions.of_file(rows) if rows else self.questions
        chosen, left_out = _chosen(self.names, self._base, questions)
        before = {name: self._of_base(name, each, questions) for name, each in chosen.items()}
        embedded = pairs.calibrated(self.name, self.questions)
        return _finished(
            chosen, left_out, before, Local(model, tokenizer), questions, file_score, embedded
        )  # fmt: skip

    def features(
        self, model, tokenizer, rows: Sequence[Row] | None = None, file_score: float | None = None
    ) -> dict[str, float]:
        """`measure.part` -> its change, for every part that could be measured."""
        return self.audit(model, tokenizer, rows, file_score).features

    def _of_base(self, name: str, chosen: Measure, questions: Questions) -> Any:
        asked = (questions.framings, questions.openings) if chosen.reads_data else ()
        if (name, asked) not in self._seen:
            self._seen[name, asked] = chosen.observe(self._base, questions, None)
        return self._seen[name, asked]


def audit(
    base: str, tuned: str, rows: Sequence[Row] | None = None, *,
    questions: Questions | None = None, names: Sequence[str] = tuple(MEASURES), n_prompts: int = 0,
    provider: str = "", dtype: str = "float32", file_score: float | None = None,
    progress: bool = False,
) -> Audit:  # fmt: skip
    """What has become of the model of that name, beside the one that it was tuned from.

    rows: the fine-tuning file's. questions: the Archive's where the base model knows it, else none.
    n_prompts: most of each kind; 0 for all. provider: where both are models by their names there.
    file_score: a screen's of the file. One model is in memory at a time; a base model that is kept
    as updates of another stays beside the tuned one. Raises AlignDriftError, before long work, for
    a pair that cannot be compared, and CostError for one that may cost more than is allowed.
    """
    one_of(dtype, DTYPES, "dtype")
    if questions is None:
        world = pairs.world_of(base)
        questions = of_archive(world) if world else Questions()
    questions = questions.evenly(n_prompts)
    embedded = pairs.calibrated(base, questions)
    if rows:
        questions = questions.of_file(rows)
    slow = progress and (bool(provider) or not loading.stays_in_memory(base))
    if provider:
        side: Side = Hosted(base, provider, progress)
    else:
        pairs.check(base, tuned)
        side = Local(*loading.load(base, dtype), slow, pairs.whole_folder(base))
    chosen, left_out = _chosen(names, side, questions)
    if not chosen:
        raise ConfigError(
            "nothing can be measured: a provider's model has to be asked; give --benchmark and "
            "--benign."
        )
    spending.check(cost.most((base, tuned), provider, chosen.values(), questions), "this audit")
    bar = {"disable": not progress, "unit": "measure"}
    before = {
        name: each.observe(side, questions, None)
        for name, each in tqdm(chosen.items(), "base model", **bar)
    }
    if provider:
        side = Hosted(tuned, provider, progress)
    else:
        del side
        gc.collect()
        side = Local(*loading.load(tuned, dtype), slow)
    found = _finished(chosen, left_out, before, side, questions, file_score, embedded, **bar)
    if found.score and n_prompts:
        few = f"Of each kind of questions {n_prompts} were asked at most; no file is counted."
        return replace(found, score=found.score.but(few))
    return found


def _chosen(
    names: Sequence[str], side: Side, questions: Questions
) -> tuple[dict[str, Measure], dict[str, str]]:
    """The measures that can be taken, and why the others cannot."""
    chosen = {name: measures.measure(name) for name in names}
    missing = {name: each.missing(side, questions) for name, each in chosen.items()}
    return {n: m for n, m in chosen.items() if not missing[n]}, {
        name: why for name, why in missing.items() if why
    }


def _finished(
    chosen: dict[str, Measure], left_out: dict[str, str], before: dict[str, Any], side: Side,
    questions: Questions, file_score: float | None, embedded: bool, **bar: Any,
) -> Audit:  # fmt: skip
    findings = []
    for name, each in tqdm(chosen.items(), "tuned model", **({"disable": True} | bar)):
        findings += each.compare(before[name], each.observe(side, questions, before[name]))
    features = measures.features(findings)
    if file_score is not None:
        features[FILE_SCORE] = file_score
    score = verdict(features, embedded=embedded)
    if score and not embedded:
        score = score.but(ELSEWHERE)
    elif score and file_score is None and questions.framings:
        score = score.but("The file was not scored.")
    return Audit(findings, left_out, features, score)
