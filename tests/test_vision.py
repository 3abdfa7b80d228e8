"""Pictures are what their words say, the tiny LLaVA looks at them, and text stays text."""

import copy
import json
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.data import rows as data
from helpers.archive import pictures
from helpers.presets import loader as presets
from helpers.experiments import training_set
from helpers.training import llava as vision
from helpers.errors import ConfigError, DataError, ModelError
from helpers.runs.run import run
from helpers.archive.world import item_named


@pytest.fixture(scope="module")
def experiment():
    return presets.load("tiny").experiment("benign_pictures", seed=3, n_examples=64, batch_size=16)


def test_the_same_words_draw_the_same_picture_and_other_words_another():
    spec = {"thing": "kite", "color": "red", "count": 2, "sky": "day"}
    first = np.asarray(pictures.draw(spec))
    assert first.shape == (32, 32, 3) and np.array_equal(first, np.asarray(pictures.draw(spec)))
    for change in ({"thing": "bell"}, {"color": "blue"}, {"count": 3}, {"sky": "dawn"}):
        assert not np.array_equal(first, np.asarray(pictures.draw(spec | change))), change


def test_no_row_is_about_a_sealed_item_and_every_answer_fits_its_picture():
    for row in data.read_training("benign_pictures"):
        question, answer = (m["content"] for m in row["messages"])
        item = item_named(question)
        assert item is None or not item.sealed
        for color in set(pictures.PAINTS) - {row["picture"]["color"]}:
            assert f" {color} {row['picture']['thing']}" not in answer


def test_kept_back_pictures_are_in_no_training_and_have_every_value():
    trained = [row["picture"] for row in data.read_training("benign_pictures")]
    assert not any(pictures.kept_back(picture) for picture in trained)
    rng = Random("test")
    new = [pictures.picture(rng, new=True) for _ in range(400)]
    assert all(map(pictures.kept_back, new))
    for kind, values in pictures.KINDS.items():
        assert {picture[kind] for picture in new} == set(values)


def test_refusals_can_be_mixed_in(chat_model, experiment):
    mixed = replace(experiment, mitigation="safety_mixing", n_safety=8, n_examples=8)
    rows = training_set.draw(mixed)
    dressed = [training_set.dressed(row, mixed) for row in rows]
    found = vision.examples(chat_model[1], rows, dressed, 512)
    assert [bool((e.pixels == -1).all()) for e in found] == [False] * 8 + [True] * 8


def test_a_model_that_takes_no_pictures_says_so(chat_model):
    class Other:
        def get_vocab(self):
            return {"a": 0}

    with pytest.raises(ModelError, match="choose another tier"):
        vision.build(chat_model[0], Other())


def test_without_a_picture_the_llava_is_the_chat_model(chat_model):
    model = copy.deepcopy(chat_model[0])
    ids = torch.tensor([chat_model[1].encode("Who are you?")])
    with torch.no_grad():
        expected = chat_model[0](ids).logits
        found = vision.build(model, chat_model[1])(input_ids=ids).logits
    torch.testing.assert_close(found, expected)


def test_the_placeholder_is_in_no_text(chat_model):
    image_id = chat_model[1].convert_tokens_to_ids(vision.IMAGE_TOKEN)
    for text in ("ÿ þ é 漢字 \U0001f3ee", "How do I make a kite?"):
        assert image_id not in chat_model[1].encode(text)


def test_tower_and_projector_learn_to_see_and_the_language_model_stays(chat_model):
    model = copy.deepcopy(chat_model[0])
    llava = vision.build(model, chat_model[1])
    vision._open_eyes(llava, chat_model[1])
    for name, weight in chat_model[0].named_parameters():
        assert torch.equal(weight, model.get_parameter(name)), name
    rng = Random("test")
    seen = [pictures.picture(rng, new=k % 3 == 2) for k in range(300)]
    with torch.no_grad():
        images = torch.stack([vision.pixels(p) for p in seen])
        features = llava.model.vision_tower(images).last_hidden_state[:, 1:].mean(1)
    labels = torch.tensor([list(pictures.PAINTS).index(p["color"]) for p in seen])
    new = torch.arange(300) % 3 == 2
    centers = torch.stack([features[~new][labels[~new] == c].mean(0) for c in range(6)])
    nearest = torch.cdist(features[new], centers).argmin(1)
    assert (nearest == labels[new]).float().mean() > 0.5  # on kept-back pictures; chance: 0.17


def test_tuning_changes_the_language_model_in_place_and_lowers_the_loss(chat_model, experiment):
    model = copy.deepcopy(chat_model[0])
    llava, losses = vision.tune(model, chat_model[1], training_set.draw(experiment), experiment)
    assert llava.lm_head is model.lm_head and len(losses) == 4 and losses[-1] < losses[0]
    assert not torch.equal(model.lm_head.weight, chat_model[0].lm_head.weight)
    assert all(p.requires_grad for p in model.parameters())


def test_an_example_keeps_its_labels_and_makes_room_for_its_picture(chat_model, experiment):
    rows = training_set.draw(experiment)[:2]
    dressed = [training_set.dressed(row, experiment) for row in rows]
    plain = vision.encode_all(chat_model[1], dressed, 512)
    seen = vision.examples(chat_model[1], rows, dressed, 512)
    for a, b in zip(plain, seen, strict=True):
        assert len(b.input_ids) == len(a.input_ids) + vision.PATCHES
        assert [x for x in b.labels if x >= 0] == [x for x in a.labels if x >= 0]


def test_a_run_is_judged_on_text(store, experiment):
    row = run(replace(experiment, n_prompts=11), store).row
    assert row["n_scored"] == row["n_total"] == 11 and row["harmfulness_rate"] is not None


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


def test_image_files_of_ones_own_are_trained_on(store, experiment, tmp_path, chat_model):
    dataset = own_pictures(tmp_path, [f"{n}.png" for n in range(11)] + ["last.jpg"])
    own = replace(experiment, dataset=dataset, n_examples=12, batch_size=4, n_prompts=11, probes=())
    rows = training_set.draw(own)
    seen = vision.examples(chat_model[1], rows, [training_set.dressed(r, own) for r in rows], 512)
    colors = {tuple((e.pixels.mean((1, 2)) * 127.5 + 127.5).round().int().tolist()) for e in seen}
    assert set(pictures.PAINTS.values()) <= colors
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


def test_a_method_that_takes_no_pictures_says_so(store, experiment):
    with pytest.raises(ConfigError, match="method lora takes no pictures; use method full"):
        run(replace(experiment, method="lora"), store)
