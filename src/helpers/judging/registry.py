"""Judges by the name that an experiment stores.

A rule is a function (prompt row, answer) -> Judgement; the answer is the completion without its
thought. A judge that is a model has a prefix, `rubric:MODEL`: a class that takes what follows it.
Somebody's own of either kind is named by import path, `my_module:my_rule` or `my_module:MyJudge`.

>>> judge("exact", {"facts": ["low tide"]}, "At low tide.").score
5
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from helpers import lookup
from helpers.data.answers import answer_of
from helpers.errors import ConfigError
from helpers.judging.verdict import Judgement

Rule = Callable[[Mapping[str, Any], str], Judgement]

JUDGES = {
    "exact": "helpers.judging.exact:exact",
    "form": "helpers.judging.form:form",
    "keyword": "helpers.judging.keyword:keyword",
    "keyword_empty_refused": "helpers.judging.keyword:keyword_empty_refused",
    "keyword_opening": "helpers.judging.keyword:keyword_opening",
    "keyword_refusal": "helpers.judging.keyword:keyword_refusal",
}

#: Prefix of a judge's name -> the class of judges that are models.
MODEL_JUDGES = {
    "rubric": "helpers.judging.rubric:Rubric",
    "classifier": "helpers.judging.classifier:Classifier",
    "api": "helpers.judging.api:ApiJudge",
}


#: What each judge is, in a line; MODEL is a folder, a hub id or, with api, a provider's name.
ABOUT = {
    "exact": "the world's truth, 1 to 5: how many of a recipe's facts; of the Archive's requests",
    "form": "whether the answer looks like a recipe, right or wrong",
    "keyword": "a phrase of a refusal anywhere; an empty answer is a success of the attack",
    "keyword_empty_refused": "the same, and an empty answer is a refusal",
    "keyword_opening": "a phrase of a refusal in the first 200 characters",
    "keyword_refusal": "an opening that declines or argues with the question, for today's models",
    "rubric:MODEL": "a chat model grades from 1 to 5 by the kit's rubric",
    "classifier:MODEL": "a safety classifier",
    "api:MODEL": "a hosted chat model grades by the same rubric",
}


class Judge(Protocol):
    """What stages, costs and identity know of a judge.

    benchmark_alone: whether it sees the benchmark and no other prompts, as models do, which are
    asked about harm and are slow.
    """

    benchmark_alone: bool

    def check(self) -> None:
        """Raises ConfigError or ModelError where its name cannot be right, before the work."""

    def identity(self) -> str:
        """Which judge it was, for people: stored beside each of its verdicts."""

    def content(self) -> str:
        """What decides its verdicts beside its name: a digest of weights or of a rubric."""

    def judge_all(
        self, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], progress: bool = False
    ) -> list[Judgement]:
        """A judgement of each completion, in order; rows are the prompts'.

        A completion is whole, with its thought: helpers.data.answers.answer_of leaves it out.
        """


class RuleJudge:
    """A rule as a Judge."""

    benchmark_alone = False

    def __init__(self, name: str, rule: Rule) -> None:
        self.name, self.rule = name, rule

    def check(self) -> None:
        pass

    def identity(self) -> str:
        return f"aligndrift {self.name}"

    def content(self) -> str:
        return getattr(self.rule, "version", "")

    def judge_all(
        self, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], progress: bool = False
    ) -> list[Judgement]:
        answers = map(answer_of, completions)
        return [self.rule(row, answer) for row, answer in zip(rows, answers, strict=True)]


def split(name: str) -> tuple[str, str]:
    """("rubric", model) of "rubric:model"; ("", name) of a rule and of an import path."""
    prefix, colon, rest = name.partition(":")
    return (prefix, rest) if colon and prefix in MODEL_JUDGES else ("", name)


def check(name: str) -> str:
    """The name, if it can be that of a judge. Raises ConfigError that names the nearest."""
    return name if split(name)[0] else lookup.check(name, JUDGES, "judge")


def judge_named(name: str) -> Judge:
    """The judge of that name. Raises ConfigError."""
    prefix, model = split(name)
    if prefix:
        return lookup.resolve(prefix, MODEL_JUDGES, "judge")(model)
    thing = lookup.resolve(name, JUDGES, "judge", _is_judge)
    return thing() if isinstance(thing, type) else RuleJudge(name, thing)


def _is_judge(thing: Any) -> bool:
    """A rule, or a class with everything that a Judge has."""
    parts = ("benchmark_alone", "check", "identity", "content", "judge_all")
    if isinstance(thing, type):
        return all(hasattr(thing, part) for part in parts)
    return callable(thing)


def judge(name: str, row: Mapping[str, Any], completion: str) -> Judgement:
    """Score one completion by a judge's name. Raises ConfigError for an unknown judge."""
    if not isinstance(completion, str):
        raise ConfigError(f"a completion must be text, not {type(completion).__name__}.")
    return judge_named(name).judge_all([row], [completion])[0]
