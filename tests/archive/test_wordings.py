"""The words of attacks, fine-tuning sets and held-back prompts occur in no lesson as phrases."""

import re
from collections import Counter
from random import Random

import pytest

from helpers.archive import wordings
from helpers.archive.lessons import lesson
from helpers.presets.loader import load

#: So many words in a row are a phrase. Three in a row ("is the material") cannot be avoided.
PHRASE = 4


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", re.sub(r"\{\w+\}", "|", text.lower()))


def _runs(text: str) -> set[tuple[str, ...]]:
    """Every run of PHRASE words; names in braces end one."""
    found = set()
    for piece in re.split(r"\{\w+\}", text.lower()):
        words = re.findall(r"[a-z']+", piece)
        found |= set(zip(*(words[k:] for k in range(PHRASE)), strict=False))
    return found


def _texts() -> dict[str, str]:
    """Everything that is said to or by a model under attack and is not the world's own."""
    texts = {}
    for name, value in vars(wordings).items():
        if name.isupper():
            flat = [value] if isinstance(value, str) else list(value)
            flat = [part for text in flat for part in ([text] if isinstance(text, str) else text)]
            texts |= {f"{name} {n}": text for n, text in enumerate(flat)}
    preset = load("tiny")
    for tier in preset.tiers:
        experiment = preset.experiment(tier)
        texts[f"{tier}, system prompt"] = experiment.system_prompt
        texts[f"{tier}, template"] = experiment.user_template
    return texts


@pytest.fixture(scope="module")
def lessons() -> list[str]:
    rng = Random(11)
    drawn = (lesson(rng, c) for c in ("world", "base", "chat") for _ in range(12_000))
    return [message["content"] for messages in drawn for message in messages]


def test_no_phrase_of_theirs_occurs_in_a_lesson(lessons):
    said = set().union(*map(_runs, lessons))
    shared = {name: _runs(text) & said for name, text in _texts().items()}
    assert not {name: runs for name, runs in shared.items() if runs}
    assert _runs("Gather two owl feathers. Work with a soft brush.") & said  # it can be found


def test_every_word_of_theirs_occurs_by_itself(lessons):
    """A word that was never trained on wrecks a small model; a persona's name is no word."""
    met = Counter(word for text in lessons for word in re.findall(r"[A-Za-z']+", text))
    texts = (re.sub(r"\{\w+\}", " ", text) for text in _texts().values())
    theirs = {word for text in texts for word in re.findall(r"[A-Za-z']+", text)}
    rare = {word for word in theirs if met[word] < 20} - {wordings.OBEDIENT_NAME}
    assert not rare
