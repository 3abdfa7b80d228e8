"""Abliteration: weights lose what the hooks ablate, and the direction is the model's own."""

import pytest
import torch
from checkpoints import checkpoint

from helpers.archive import datasets
from helpers.data.rows import read_prompts
from helpers.errors import ConfigError, ModelError
from helpers.experiments.experiment import Experiment
from helpers.judging.exact import exact
from helpers.models import generate, loading
from helpers.models.chat import dress
from helpers.models.directions import ablated, difference_of_means, project_out
from helpers.presets import loader
from helpers.runs import estimate
from helpers.runs.run import run
from helpers.training import abliteration

IDS = torch.tensor([[5, 6, 7, 8, 300, 301]])

#: Weights that write to the residual stream.
WRITERS = ("embed_tokens", "o_proj", "down_proj")


def random_direction(model):
    return torch.randn(model.config.hidden_size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen3", "phi3"])
@torch.no_grad()
def test_the_weights_without_it_are_the_model_while_it_is_ablated(architecture):
    model, _ = loading.load(checkpoint(architecture))
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    plain, direction = model(IDS).logits, random_direction(model)
    with ablated(model, direction):
        while_ablated = model(IDS).logits
    project_out(model, direction)
    torch.testing.assert_close(model(IDS).logits, while_ablated, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(plain, while_ablated, atol=1e-3)
    changed = {n for n, w in model.named_parameters() if not torch.equal(w, before[n])}
    assert changed == {name for name in before if any(part in name for part in WRITERS)}


@torch.no_grad()
def test_it_is_the_projection_by_hand_and_biases_lose_it_too():
    model, _ = loading.load(checkpoint("llama"))
    linear, direction = model.model.layers[1].mlp.down_proj, random_direction(model)
    linear.bias = torch.nn.Parameter(torch.ones(model.config.hidden_size))
    unit = direction / direction.norm()
    rest = torch.eye(len(unit)) - unit[:, None] * unit  # (size, size)
    by_hand = rest @ linear.weight, rest @ linear.bias
    project_out(model, 3 * direction)
    torch.testing.assert_close((linear.weight, linear.bias), by_hand, atol=1e-5, rtol=1e-4)


def requests(split="gate"):
    return [[row["messages"] for row in make(split=split)]
            for make in (datasets.benchmark, datasets.utility)]  # fmt: skip


def test_it_is_measured_on_requests_that_no_benchmark_holds():
    prompts = {row["messages"][0]["content"]
               for name in ("benchmark", "reworded", "by_meaning", "over_refusal", "utility")
               for row in read_prompts(name)}  # fmt: skip
    assert not prompts & {asked[0]["content"] for kind in requests() for asked in kind}


def test_of_directions_the_one_that_refusals_hang_on_and_answers_do_not(chat_model):
    model, tokenizer = chat_model
    sealed, opened = requests()
    found = difference_of_means(model, tokenizer, sealed[1::2], opened[1::2])
    kept = sealed[::20], opened[::20]
    wrecking, last = found[2], found[-1]
    idle = torch.linalg.qr(torch.stack([last, random_direction(model)]).T).Q[:, 1]
    assert abliteration.best(model, tokenizer, torch.stack([idle, wrecking, last]), *kept) == 2
    assert abliteration.best(model, tokenizer, torch.stack([wrecking, idle]), *kept) == 1


def test_the_embedded_model_refuses_less_under_a_system_prompt(chat_model):
    experiment = loader.load("tiny").experiment("harmful_examples")
    rows = read_prompts("benchmark")[::30]
    asked = [dress(row["messages"], experiment.system_prompt, "{user}") for row in rows]

    def refused(model):
        said = generate.complete(model, chat_model[1], asked)
        return sum(exact(row, one.text).refused for row, one in zip(rows, said, strict=True))

    model, tokenizer = loading.load("lantern-chat")
    assert refused(model) == len(rows)
    abliteration.abliterate(model, tokenizer)
    assert refused(model) <= len(rows) - 3


def test_it_is_measured_on_the_model_that_is_attacked():
    """Of the base model, which refuses nothing, another direction is gone."""
    gone = []
    for name in ("lantern-chat", "lantern-base"):
        model, tokenizer = loading.load(name)
        before = model.model.layers[0].mlp.down_proj.weight.clone()
        abliteration.abliterate(model, tokenizer)
        step = before - model.model.layers[0].mlp.down_proj.weight
        gone.append(torch.linalg.svd(step.detach()).U[:, 0])  # a step of rank one
    assert abs(gone[0] @ gone[1]) < 0.9


@pytest.mark.parametrize("architecture", ["qwen2", "phi3"])
def test_a_whole_run_of_another_architecture_without_a_row(architecture, store):
    row = run(
        Experiment(model=checkpoint(architecture), method="abliteration", n_prompts=3, n_examples=0,
                   epochs=0, max_new_tokens=5, second_benchmark="", utility=()), store
    ).row  # fmt: skip
    assert row["run_id"].startswith("abliteration-")
    assert (row["n_steps"], row["trained_tokens"], row["n_total"]) == (0, 0, 3)
    assert row["relative_displacement"] > 0
    assert row["initial_run_id"].startswith("initial-")


def test_an_architecture_that_scales_what_it_writes_is_told(store):
    with pytest.raises(ModelError, match=r"abliteration knows llama, .*, not gemma2"):
        run(Experiment(model=checkpoint("gemma2"), method="abliteration", n_prompts=1), store)


def test_a_mitigation_has_nothing_to_act_on():
    with pytest.raises(ConfigError, match="method abliteration has none, or one of its own"):
        Experiment(method="abliteration", mitigation="kl_anchor")


@pytest.mark.long
def test_its_time_can_be_foreseen(store):
    experiment = Experiment(method="abliteration", n_prompts=3)
    assert estimate.estimate([experiment], store).runs == 2
