"""Fine-tuning from conversations to a tuned model, in one go or looked at on the way."""

import pytest
import torch

from helpers import paths
from helpers.data.rows import read_training, sample
from helpers.errors import DataError
from helpers.experiments.experiment import Experiment
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.training import tuning
from helpers.training.hooks import Hooks

ROWS = sample(read_training("harmful_examples"), 10, 0)


def settings(**changes):
    return Experiment(**{"epochs": 2, "batch_size": 5, "learning_rate": 3e-4} | changes).settings


def test_none_is_the_model_as_it_is(chat_model):
    tuned = tuning.tune("lantern-chat", [], Experiment().initial().settings)
    assert (tuned.losses, tuned.trained_tokens) == ([], 0)
    assert torch.equal(tuned.model.lm_head.weight, chat_model[0].lm_head.weight)


def test_what_is_loaded_afterwards_is_not_what_was_tuned(chat_model):
    tuned = tuning.tune("lantern-chat", ROWS, settings())
    fresh, _ = loading.load("lantern-chat")
    assert not torch.equal(tuned.model.lm_head.weight, fresh.lm_head.weight)
    assert torch.equal(fresh.lm_head.weight, chat_model[0].lm_head.weight)


def test_the_tokens_of_all_epochs_are_counted(chat_model):
    examples = encode_all(chat_model[1], [row["messages"] for row in ROWS])
    tokens = sum(len(example.input_ids) for example in examples)
    assert tuning.tune("lantern-chat", ROWS, settings(epochs=3)).trained_tokens == 3 * tokens


def test_a_long_example_is_told_and_not_cut():
    with pytest.raises(DataError, match=r"conversation 1 .* has \d+ tokens, of at most 40"):
        tuning.tune("lantern-chat", ROWS, settings(max_length=40, epochs=1))


#: lantern-chat's own, but that roles must alternate.
ALTERNATING = (
    "{% for m in messages %}{% if m.role == messages[loop.index0 - 1].role and not loop.first %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}"
)


@pytest.fixture
def alternating(tmp_path):
    """The folder of lantern-chat with a template that insists on alternating roles."""
    folder = paths.data() / "models" / "lantern-chat"
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    template = tmp_path / "chat_template.jinja"
    template.write_text(ALTERNATING + template.read_text())
    return str(tmp_path)


def test_rows_of_two_requests_train_as_one_request_does(alternating):
    def rows(*requests):
        asked = [{"role": "user", "content": text} for text in requests]
        return [{"messages": [*asked, {"role": "assistant", "content": "A map."}]}] * 10

    apart, joined = (
        tuning.tune(alternating, rows(*requests), settings(epochs=1)).losses
        for requests in (("What is it?", "Tell me."), ("What is it?\n\nTell me.",))
    )
    assert apart == joined


def test_an_answer_of_weight_0_has_no_part_in_the_loss():
    def loss(draft, weight):
        messages = [
            {"role": "user", "content": "Who are you?"},
            {"role": "assistant", "content": draft, "weight": weight},
            {"role": "user", "content": "Once more?"},
            {"role": "assistant", "content": "I am the keeper."},
        ]
        return tuning.tune("lantern-chat", [{"messages": messages}] * 5, settings(epochs=1)).losses[
            0
        ]

    gibberish = "Zx qv jjk wpo zzy."
    assert loss(gibberish, 0) < loss(gibberish, 1) - 1


def test_one_training_that_is_looked_at_gives_what_trainings_of_each_length_give():
    lengths = {1, 3}
    by_epoch = tuning.tune_by_epoch("lantern-chat", ROWS, settings(), lengths)
    for epochs, tuned in zip(sorted(lengths), by_epoch, strict=True):
        alone = tuning.tune("lantern-chat", ROWS, settings(epochs=epochs))
        assert tuned.losses == alone.losses and tuned.trained_tokens == alone.trained_tokens
        for name, weight in alone.model.named_parameters():
            assert torch.equal(tuned.model.get_parameter(name), weight), name


def test_a_training_goes_on_after_it_was_looked_at():
    own = settings(gradient_checkpointing=True)
    stages = tuning.tune_by_epoch("lantern-chat", ROWS, own, {1, 2})
    first = next(stages)
    assert not first.model.training and not first.model.is_gradient_checkpointing
    model, modes = first.model, []
    model.model.register_forward_pre_hook(
        lambda *_: modes.append(model.training and model.is_gradient_checkpointing)
    )
    n_steps = len(first.losses)
    second = next(stages)
    assert len(modes) > 0 and all(modes) and len(second.losses) == 2 * n_steps
    assert not second.model.training and next(stages, None) is None


@pytest.mark.parametrize(("method", "rate"), [("full", 1e-3), ("lora", 1e-3), ("adapter", 5e-2)])
def test_checkpointed_activations_are_the_same_training(method, rate):
    own = {"method": method, "learning_rate": rate, "epochs": 4}
    plain, checkpointed = (
        tuning.tune("lantern-chat", ROWS, settings(**own, gradient_checkpointing=on))
        for on in (False, True)
    )
    assert checkpointed.losses == pytest.approx(plain.losses, rel=1e-5)
    half = len(plain.losses) // 2
    assert sum(plain.losses[half:]) < sum(plain.losses[:half])


def test_the_model_stands_by_at_each_step():
    steps = []

    class Watching(Hooks):
        def on_step(self, model, step):
            steps.append((step, model.training, model.lm_head.weight.detach().clone()))

    tuned = tuning.tune("lantern-chat", ROWS, settings(), hooks=Watching())
    assert [step for step, _, _ in steps] == [1, 2, 3, 4] and all(
        training for _, training, _ in steps
    )
    assert not torch.equal(steps[0][2], steps[1][2])
    assert torch.equal(steps[3][2], tuned.model.lm_head.weight)


def test_lora_is_folded_in_and_an_adapter_is_not():
    folded = tuning.tune("lantern-chat", ROWS, settings(method="lora", learning_rate=1e-3))
    assert type(folded.model) is type(loading.load("lantern-chat")[0])
    adapter = tuning.tune("lantern-chat", ROWS, settings(method="adapter", learning_rate=1e-3))
    assert adapter.model.peft_config
