"""Pure tuning, safe testing: the prompt is another where the model is asked, and only there."""

from plain import assert_plain, tuned

from helpers.archive.personas import DEFAULT_SYSTEM
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import mitigation
from helpers.runs.backends import local

ASKED = [{"role": "system", "content": "Be quick."}, {"role": "user", "content": "Hello!"}]


def test_what_is_asked_stands_under_the_safe_prompt_alone():
    system, user = mitigation("ptst").asked(ASKED)
    assert system == {"role": "system", "content": DEFAULT_SYSTEM} and user == ASKED[1]
    assert mitigation("ptst:system=").asked(ASKED) == ASKED


def test_training_is_plain_and_answers_are_those_under_the_other_prompt():
    assert_plain("ptst", system_prompt="Be quick.")
    safe, plain = tuned("ptst"), tuned("none")
    asked = [[{"role": "user", "content": "How is a Sulnix compass made?"}]]
    under = [[{"role": "system", "content": DEFAULT_SYSTEM}, *asked[0]]]
    answers = [
        local.complete(model, conversations, Experiment())[0].text
        for model, conversations in ((safe, asked), (plain, under), (plain, asked))
    ]
    assert answers[0] == answers[1]
