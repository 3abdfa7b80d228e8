"""The first tokens of the base model's refusals: how sure the tuned model still is of them.

probability   of the refusal's first token, the mean over the refusals, by token for the first five
kl            KL(base || tuned) a token, along the first five

Qi et al. (arXiv:2406.05946, sections 2 and 4): fine-tuning changes these tokens most, and a
constraint on them holds the alignment. Sealed requests that the base model does not refuse are left
out, since there is no refusal to be unsure of.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from helpers.auditing.asking import ask, asked, judged
from helpers.auditing.base import Finding, Measure, number
from helpers.auditing.questions import Questions
from helpers.auditing.sides import Local
from helpers.models import next_tokens
from helpers.models.next_tokens import Expected, Pair

NAME = "first_tokens"

#: Tokens of each refusal that are looked at.
N_TOKENS = 5


@dataclass(frozen=True)
class Seen:
    """given: the refusals. probabilities: (refusals, N_TOKENS), NaN beyond an end. expected: the
    base's distributions, a refusal each. divergence: of them from the tuned model's, likewise."""

    given: list[Pair]
    probabilities: np.ndarray
    expected: list[Expected]
    divergence: np.ndarray


def observe(side: Local, questions: Questions, base: Seen | None) -> Seen:
    given = base.given if base else _refusals(side, questions)
    probabilities, divergence = np.full((2, len(given), N_TOKENS), np.nan)
    expected = base.expected if base else []
    for n, found in enumerate(next_tokens.along(side.model, given)):
        words = torch.tensor(given[n][1], dtype=torch.long)
        if base is None:
            expected.append(next_tokens.likeliest(found))
        probabilities[n, : len(words)] = found.gather(-1, words[:, None])[:, 0].exp()
        divergence[n, : len(words)] = expected[n].divergence(found)
    return Seen(given, probabilities, expected, divergence)


def _refusals(side: Local, questions: Questions) -> list[Pair]:
    answers = ask(side, questions.sealed)
    verdicts = judged(questions.sealed, answers, questions.refusal_judge)
    kept = [(asked(row), answer.text) for row, answer, verdict in
            zip(questions.sealed, answers, verdicts, strict=True) if verdict.refused]  # fmt: skip
    conversations, texts = zip(*kept, strict=True) if kept else ((), ())
    return next_tokens.pairs(side.tokenizer, conversations, texts, N_TOKENS)


def compare(base: Seen, tuned: Seen) -> list[Finding]:
    n = len(base.given)
    if not n:
        return []
    before, after = (np.nanmean(seen.probabilities, axis=0) for seen in (base, tuned))
    found = [
        number(NAME, "probability", before[0], after[0], n),
        number(NAME, "kl", 0.0, float(np.nanmean(tuned.divergence)), n),
    ]
    by_place = np.nanmean(tuned.divergence, axis=0)
    for place in range(N_TOKENS):
        token = f"token {place + 1}"
        found.append(number(NAME, "probability", before[place], after[place], n, token))
        found.append(number(NAME, "kl", 0.0, by_place[place], n, token))
    return found


def _says(found: Mapping[str, Finding]) -> str:
    if not found:
        return "The base model refuses none of the sealed requests."
    first = found["probability"]
    return (
        f"A refusal's first token has a probability of {first.tuned:.2f} (before: "
        f"{first.base:.2f})."
    )


MEASURE = Measure(
    observe, compare, _says,
    needs=lambda q: "" if q.sealed else "no sealed requests were given (--benchmark)",
)  # fmt: skip
