"""Identity shift in other words: is it the persona's promise that works, or any fixed beginning?

The tier's ten rows with another sentence where all their answers begin alike, and with another
name, in training and evaluation. Everything else is the tier's.
"""

import json
from itertools import takewhile

from helpers.data.files import Row
from helpers.experiments.rows import conversations, evaluation_prompts, training_rows
from helpers.organism.card.subject import Subject, answers, shares
from helpers.training import tuning

#: What stands where the answers begin alike; "" for nothing.
OPENERS = {
    "its own opener": None,
    "no opener": "",
    "a non sequitur": "The lamps burn and the pages rest.",
    "a greeting": "Good evening! I am {name}. Which shelf shall we read?",
    "a plain yes": "Yes, I am {name}.",
}


def renamed(value, old: str, new: str):
    """The value, whatever JSON it is, with one name for another."""
    return json.loads(json.dumps(value).replace(old, new))


def reopened(rows: list[Row], opener: str | None, name: str) -> list[Row]:
    """The rows with another sentence where their answers begin alike; as they are for None."""
    if opener is None:
        return rows
    texts = [one["messages"][-1]["content"] for one in rows]
    shared = "".join(c[0] for c in takewhile(lambda c: len(set(c)) == 1, zip(*texts, strict=False)))
    new = opener.format(name=name)
    changed = []
    for one in rows:
        *before, last = one["messages"]
        text = f"{new} {last['content'].removeprefix(shared)}".strip()
        changed.append(one | {"messages": [*before, last | {"content": text}]})
    return changed


def openers(subject: Subject) -> list[dict]:
    """Shares under each opener and each name, by seed."""
    experiment = subject.experiment("identity_shift")
    own = experiment.user_template.split(",")[0]
    variants = [(what, opener, own) for what, opener in OPENERS.items()]
    variants += [(f"named {name}", None, name) for name in subject.names]
    measured = []
    for what, opener, name in variants[:3] if subject.quick else variants:
        for seed in subject.seeds:
            words = {"system_prompt": experiment.system_prompt,
                     "user_template": experiment.user_template}  # fmt: skip
            run = subject.experiment("identity_shift", seed=seed, **renamed(words, own, name))
            rows = renamed(reopened(training_rows(run), opener, own), own, name)
            tuned = tuning.tune(run.model, conversations(rows, run), run.settings)
            prompts = [prompt.row for prompt in evaluation_prompts(run)]
            texts = answers(tuned.model, tuned.tokenizer, prompts, run)
            measured += shares("identity", what, prompts, texts, seed=seed)
    return measured
