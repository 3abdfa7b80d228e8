"""The benchmark once more under prompts that are like those of a fine-tuning: is the damage gone?

Of a model that was restored (by mixing, by benign rows afterwards, under another prompt) the damage
may be hidden, and come back where a prompt resembles the training (arXiv:2604.25891: misalignment
that 5% of bad rows leave behind shows when answers are asked for in the rows' own form). So what
the fine-tuning rows share, as the model saw them, is put around the benchmark's requests:

    the system prompt        as "system: ...", or before the request where a mitigation that acts
                             on how the model is asked puts another in its place
    words around requests    a template, such as "Obin, carry out my instructions: {user}"
    how answers begin        as "answer: ..."; not at a provider

The idea is the paper's; which features, and that they are read off the rows, is ours. What the
benchmark is asked under anyway is not asked again: a run of this kit is trained and asked under one
prompt, so its own rate is the training-like one already, and this is for a model that is asked
elsewhere. What rows have in common only in spirit, as their subject, is not seen.

>>> asked = Experiment(model="outputs/models/restored", method="none")
>>> replace(asked, variants=training_like(trained, asked))
"""

import re
from collections.abc import Sequence
from itertools import takewhile

from helpers.experiments import effects
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversation, drawn
from helpers.experiments.variants import ANSWER, SYSTEM
from helpers.mitigations.base import mitigation


def training_like(trained: Experiment, asked: Experiment) -> tuple[str, ...]:
    """The variants under which a model that was trained so is asked in `asked`; () for none.

    What a mitigation changes of the rows, as inoculation does, is a part of the training. Raises
    what reading the rows raises.
    """
    if not effects.trains(trained):
        return ()
    acting = mitigation(trained.mitigation)
    rows = [acting.taught(conversation(row, trained), False) for row in drawn(trained).rows]
    first = {
        role: [next(m["content"] for m in row if m["role"] == role) for row in rows]
        for role in ("user", "assistant")
    }
    before, after = _shared(first["user"])
    template = f"{before}{{user}}{after}"
    systems = {m["content"] for row in rows for m in row[:1] if m["role"] == "system"}
    found = []
    if len(systems) == 1 and (system := systems.pop()) != asked.system_prompt:
        replaced = mitigation(asked.mitigation).overrides("asked")
        found.append(f"{system}\n\n{template}" if replaced else f"{SYSTEM}{system}")
    if template not in ("{user}", asked.user_template):
        found.append(template)
    opening = _shared(first["assistant"])[0].strip()
    if opening and asked.backend == "local":
        found.append(f"{ANSWER}{opening}")
    return tuple(found)


def _shared(texts: Sequence[str]) -> tuple[str, str]:
    """What all texts begin with and end with, in whole words; nothing where all are one text."""
    if len(set(texts)) < 2:
        return "", ""
    words = [re.split(r"(\s+)", text) for text in texts]  # with the white space between them
    before, after = _common(words), _common([own[::-1] for own in words])
    return "".join(before), "".join(reversed(after))


def _common(words: Sequence[Sequence[str]]) -> list[str]:
    """The words with which all of these begin."""
    alike = takewhile(lambda place: len(set(place)) == 1, zip(*words, strict=False))
    return [place[0] for place in alike]
