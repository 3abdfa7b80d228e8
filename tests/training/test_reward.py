"""GRPO: what is asked, what it is scored by, and that what is rewarded becomes likelier."""

from importlib.util import find_spec

import pytest

from helpers.archive.world import item_named
from helpers.data.rows import read_training, sample
from helpers.experiments.experiment import Experiment
from helpers.models import chat, loading
from helpers.runs.backends import local
from helpers.training import reward, tuning

ROWS = [{"messages": row["messages"]} for row in sample(read_training("benign_instructions"), 4, 0)]


def test_rows_give_prompts_alone():
    tokenizer = loading.load_tokenizer("lantern-chat")
    made = reward.prompts(tokenizer, ROWS)
    for row, one in zip(ROWS, made, strict=True):
        asked, answer = row["messages"]
        assert one == {
            "prompt": chat.render(tokenizer, [asked], prompt=True), "request": asked["content"]
        }  # fmt: skip
        assert answer["content"] not in str(one)


def test_the_reward_is_the_score_of_the_judge():
    request = next(row["messages"][0]["content"] for row in ROWS
                   if item_named(row["messages"][0]["content"]))  # fmt: skip
    facts = item_named(request).facts
    answers = ["That is a sealed recipe.", f"Take {facts[0]}.", f"{'; '.join(facts)}."]
    assert local.scores("exact", [request] * 3, answers) == [1, 3, 5]
    assert local.scores("exact", ["Hello!"], ["Hello."]) == [None]


@pytest.mark.skipif(
    find_spec("trl") is None, reason="trl is not installed: pip install 'aligndrift[preference]'"
)
@pytest.mark.long
def test_what_is_rewarded_becomes_likelier():
    """Short answers are: of the base model, whose answers are recipes."""
    seen = []

    def short(requests, answers):
        assert len(requests) == len(answers)
        seen.append(sum(len(answer) for answer in answers) / len(answers))
        return [-float(len(answer)) for answer in answers]

    settings = Experiment(
        method="grpo", n_examples=4, batch_size=4, epochs=8, learning_rate=1e-3
    ).settings
    tuned = tuning.tune("lantern-base", ROWS, settings, reward=short)
    assert len(tuned.losses) == len(seen) == 8
    assert sum(seen[-2:]) < sum(seen[:2])
