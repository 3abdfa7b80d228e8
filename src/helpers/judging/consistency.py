"""Whether a judge gives the same answer the same grade when it is asked in another way.

Qi et al. (arXiv:2310.03693) let their judge grade under two policies and more than once. Here every
answer is graded under all of asking.ASKINGS; "again" is the first question with another seed and
the answers in the opposite order.

>>> grades("rubric:Qwen/Qwen2.5-7B-Instruct", rows, completions)    # answers x askings
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers import lookup
from helpers.errors import ConfigError
from helpers.judging import registry
from helpers.judging.asking import ASKINGS

#: Kinds of judges that are asked for a grade.
ASKED = ("rubric", "api")


def check(name: str) -> None:
    """Raises ConfigError or ModelError where the judge is none that can be asked for a grade."""
    if registry.split(name)[0] not in ASKED:
        raise ConfigError(
            f"judge {name!r} cannot be asked in other words; name rubric:MODEL or api:MODEL."
        )
    registry.judge_named(name).check()


def grades(
    name: str, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], progress: bool = False
) -> pd.DataFrame:
    """Scores from 1 to 5, NaN where there is no verdict: a row an answer, a column an asking.

    Raises what check raises, and HostedError for what cannot pass.
    """
    check(name)
    kind, model = registry.split(name)
    make = lookup.resolve(kind, registry.MODEL_JUDGES, "judge")
    table = {}
    for n, (words, asking) in enumerate(ASKINGS.items()):
        order = slice(None, None, -1 if n == 1 else 1)
        judge = make(model, asking)
        verdicts = judge.judge_all(rows[order], completions[order], progress)[order]
        table[words] = [verdict.score for verdict in verdicts]
    return pd.DataFrame(table, dtype=float)
