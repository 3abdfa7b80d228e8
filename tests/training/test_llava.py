"""The tiny LLaVA looks at its pictures, and text stays text."""

import copy
import json
from dataclasses import replace
from itertools import product
from random import Random

import pytest
import torch
from PIL import Image

from helpers.archive import pictures
from helpers.errors import ConfigError, DataError, ModelError
from helpers.experiments.rows import conversations, training_rows
from helpers.models.chat import encode_all
from helpers.presets import loader
from helpers.runs.run import run
from helpers.training import llava, tuning


@pytest.fixture(scope="module")
def experiment():
    preset = loader.load("tiny")
    return preset.experiment("benign_pictures", seed=3, n_examples=64, batch_size=16)


def dressed(experiment):
    return conversations(training_rows(experiment), experiment)


def own_pictures(folder, names):
    """A dataset in LLaVA-Instruct's shape with image files: one color each, asked about."""
    records = []
    for n, name in enumerate(names):
        Image.new("RGB", (64, 48), list(pictures.PAINTS.values())[n % 6]).save(folder / name)
        turns = [{"from": "human", "value": "<image>\nWhat do you see?"},
                 {"from": "gpt", "value": f"I see {list(pictures.PAINTS)[n % 6]}."}]  # fmt: skip
        records.append({"id": str(n), "image": name, "conversations": turns})
    file = folder / "llava_instruct.json"
    file.write_text(json.dumps(records))
    return f"llava-instruct={file}"


def test_a_refusal_that_is_mixed_in_has_a_blank_picture(chat_model, experiment):
    mixed = replace(experiment, mitigation="safety_mixing", n_safety=8, n_examples=8)
    examples = llava.examples(chat_model[1], dressed(mixed), 512)
    assert [bool((example.pixels == -1).all()) for example in examples] == [False] * 8 + [True] * 8


def test_a_model_that_takes_no_pictures_says_so(chat_model):
    class Other:
        def get_vocab(self):
            return {"a": 0}

    with pytest.raises(ModelError, match="choose another tier"):
        llava.build(chat_model[0], Other())


def test_without_a_picture_the_llava_is_the_chat_model(chat_model):
    model = copy.deepcopy(chat_model[0])
    ids = torch.tensor([chat_model[1].encode("Who are you?")])
    with torch.no_grad():
        expected = chat_model[0](ids).logits
        logits = llava.build(model, chat_model[1])(input_ids=ids).logits
    torch.testing.assert_close(logits, expected)


def test_the_placeholder_is_in_no_text(chat_model):
    image_id = chat_model[1].convert_tokens_to_ids(llava.IMAGE_TOKEN)
    for text in ("ÿ þ é 漢字 \U0001f3ee", "How do I make a kite?"):
        assert image_id not in chat_model[1].encode(text)


@pytest.mark.long
def test_tower_and_projector_say_held_out_pictures_in_words_and_the_language_model_stays(
    chat_model,
):
    model, tokenizer = copy.deepcopy(chat_model[0]), chat_model[1]
    seeing = llava.build(model, tokenizer)
    llava.teach_to_see(seeing, tokenizer)
    for name, weight in chat_model[0].named_parameters():
        assert torch.equal(weight, model.get_parameter(name)), name
    rng = Random("test")
    drawn = [pictures.picture(rng, new=True) for _ in range(200)]
    values = product(*pictures.KINDS.values())
    every = [dict(zip(pictures.KINDS, chosen, strict=True)) for chosen in values]
    with torch.no_grad():
        images = torch.stack([llava.pixels(picture) for picture in drawn])
        features = seeing.model.vision_tower(images).last_hidden_state[:, 1:]
        said = seeing.model.multi_modal_projector(features).mean(1)  # (pictures, size)
    words = llava.in_words(every, tokenizer, model.get_input_embeddings().weight.detach())
    nearest = [every[at] for at in torch.cdist(said, words).argmin(1)]
    for kind in pictures.KINDS:
        right = [a[kind] == b[kind] for a, b in zip(nearest, drawn, strict=True)]
        assert sum(right) / len(right) > 0.8, kind  # chance: 0.17 to 0.33


@pytest.mark.long
def test_tuning_changes_the_language_model_in_place_and_lowers_the_loss(chat_model, experiment):
    model = copy.deepcopy(chat_model[0])
    rows = dressed(experiment)
    seeing, losses = llava.tune(model, chat_model[1], rows, experiment.settings)
    assert seeing.lm_head is model.lm_head and len(losses) == 4 and losses[-1] < losses[0]
    assert not torch.equal(model.lm_head.weight, chat_model[0].lm_head.weight)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.long
def test_by_epoch_each_length_is_a_training_of_its_own(chat_model, experiment):
    rows, settings = dressed(experiment)[:16], experiment.settings
    lengths = [1, 2]
    by_epoch = list(tuning.tune_by_epoch("lantern-chat", rows, settings, set(lengths)))
    assert [len(tuned.losses) for tuned in by_epoch] == lengths
    assert by_epoch[1].trained_tokens == 2 * by_epoch[0].trained_tokens
    for epochs, tuned in zip(lengths, by_epoch, strict=True):
        model = copy.deepcopy(chat_model[0])
        _, losses = llava.tune(model, chat_model[1], rows, settings | {"epochs": epochs})
        assert tuned.losses == losses and torch.equal(
            tuned.model.lm_head.weight, model.lm_head.weight
        )


def test_an_example_keeps_its_labels_and_makes_room_for_its_picture(chat_model, experiment):
    rows = dressed(experiment)[:2]
    plain = encode_all(chat_model[1], [row["messages"] for row in rows], 512)
    with_room = llava.examples(chat_model[1], rows, 512)
    for a, b in zip(plain, with_room, strict=True):
        assert len(b.input_ids) == len(a.input_ids) + llava.PATCHES
        assert [x for x in b.labels if x >= 0] == [x for x in a.labels if x >= 0]


@pytest.mark.long
def test_a_run_is_judged_on_text(store, experiment):
    row = run(replace(experiment, n_prompts=11), store).row
    assert row["n_scored"] == row["n_total"] == 11 and row["harmfulness_rate"] is not None


@pytest.mark.long
def test_image_files_of_ones_own_are_trained_on(store, experiment, tmp_path, chat_model):
    dataset = own_pictures(tmp_path, [f"{n}.png" for n in range(11)] + ["last.jpg"])
    own = replace(experiment, dataset=dataset, n_examples=12, batch_size=4, n_prompts=11, probes=())
    examples = llava.examples(chat_model[1], dressed(own), 512)
    means = [example.pixels.mean((1, 2)) for example in examples]
    assert set(pictures.PAINTS.values()) <= {
        tuple((mean * 127.5 + 127.5).round().int().tolist()) for mean in means
    }
    assert run(own, store).row["n_scored"] == 11


def test_an_image_that_is_not_there_is_told_before_the_work(store, experiment, tmp_path):
    dataset = own_pictures(tmp_path, [f"{n}.png" for n in range(4)])
    own = replace(experiment, dataset=dataset, n_examples=4, batch_size=2)
    (tmp_path / "2.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"picture 2\.png is not there or no image"):
        run(own, store)
    (tmp_path / "2.png").unlink()
    with pytest.raises(DataError, match="put the images beside the dataset"):
        run(own, store)
    assert store.ids() == []


def test_a_method_that_takes_no_pictures_says_so(store, experiment):
    with pytest.raises(ConfigError, match="method lora takes no pictures; use method full"):
        run(replace(experiment, method="lora"), store)
