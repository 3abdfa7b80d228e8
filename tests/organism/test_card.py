"""The organism card: pieces measure what they say, rules can fail, and it tells of what ships.

What a piece should find is known for models that are made so: a base model that is no other, a
direction that decides all, a walk of known length.
"""

from random import Random

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import paths
from helpers.archive.world import item_named
from helpers.data.rows import read_prompts, read_training
from helpers.errors import DataError
from helpers.models import loading
from helpers.models.directions import ablated, difference_of_means
from helpers.models.displacement import displacement
from helpers.organism.card import likeness, measuring, sheet
from helpers.organism.card.directions import added
from helpers.organism.card.doses import shuffled
from helpers.organism.card.interpolation import between, moved
from helpers.organism.card.openers import renamed, reopened
from helpers.organism.card.phrases import sharp
from helpers.organism.card.positions import PLACES, divergence
from helpers.organism.card.readings import Readings
from helpers.organism.card.side_by_side import LINES, side_by_side
from helpers.organism.card.subject import QUICK, Subject, answers, continued, conversations, row
from helpers.organism.card.wrong_facts import FACTS, with_wrong_facts


@pytest.fixture(scope="module")
def base():
    return loading.load("lantern-base")[0]


@pytest.fixture(scope="module")
def asked():
    return read_prompts("benchmark")[::66]


def test_an_answer_that_is_begun_with_nothing_is_the_answer(chat_model, asked):
    begun = continued(*chat_model, conversations(asked), [[]] * len(asked))
    assert begun == answers(*chat_model, asked)


def test_an_answer_that_is_begun_holds_its_beginning_and_is_told_in_order(chat_model, asked):
    model, tokenizer = chat_model
    heads = ["Gather", "Low tide", "Gather two", "A", "Use a brass key"]
    ids = [tokenizer.encode(head, add_special_tokens=False) for head in heads]
    texts = continued(model, tokenizer, conversations(asked), ids)
    assert all(text.startswith(head) for text, head in zip(texts, heads, strict=True))
    alone = [continued(model, tokenizer, conversations([one]), [own])[0]
             for one, own in zip(asked, ids, strict=True)]  # fmt: skip
    assert texts == alone


def test_a_model_differs_from_itself_nowhere_and_from_another_at_an_answers_tokens(
    chat_model, base, asked
):
    model, tokenizer = chat_model
    texts = ["Gather a brass key.", "Use a brass key. Wait for low tide.", "A", "No.", "Well now."]
    asked = conversations(asked)
    assert np.nanmax(np.abs(divergence(model, model, tokenizer, asked, texts))) < 1e-5
    found = divergence(model, base, tokenizer, asked, texts)
    lengths = [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    assert found.shape == (5, PLACES) and (~np.isnan(found)).sum(1).tolist() == lengths
    # By hand, for one answer: the distributions that the models give one token at a time.
    text = tokenizer.apply_chat_template(asked[3], tokenize=False, add_generation_prompt=True)
    prompt = tokenizer.encode(text, add_special_tokens=False)
    for place, _ in enumerate(answer := tokenizer.encode("No.", add_special_tokens=False)):
        ids = torch.tensor([prompt + answer[:place]])
        with torch.no_grad():
            p, q = (m(ids).logits[0, -1].log_softmax(-1) for m in (model, base))
        assert found[3, place] == pytest.approx((p.exp() * (p - q)).sum().item(), abs=1e-4)


def test_what_is_ablated_is_nowhere_in_the_stream_and_what_is_added_is(chat_model, asked):
    model, tokenizer = chat_model
    opened = read_prompts("utility")[::20]
    found = difference_of_means(model, tokenizer, conversations(asked), conversations(opened))
    assert found.shape == (model.config.num_hidden_layers + 1, model.config.hidden_size)
    direction = found[2]
    unit = direction / direction.norm()
    ids = torch.tensor([[5, 6, 7, 8]])

    def stream():
        """What each layer reads of the direction: (1, tokens) a layer."""
        read = []
        handles = [
            layer.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0] @ unit))
            for layer in model.model.layers
        ]
        with torch.no_grad():
            model(ids)
        for handle in handles:
            handle.remove()
        return read

    before = stream()
    with ablated(model, direction):
        assert max(values.abs().max() for values in stream()) < 1e-3
    with added(model, direction, layer=2):
        shifted = stream()
    assert torch.allclose(shifted[1], before[1]) and not torch.allclose(shifted[2], before[2])
    assert torch.allclose(shifted[2] - before[2], direction.norm(), atol=1e-3)
    assert all(torch.allclose(a, b) for a, b in zip(stream(), before, strict=True))


def test_the_line_runs_from_the_base_to_the_aligned_model_and_on(chat_model, base):
    chat = chat_model[0]
    for place in (0.0, 0.25, 1.0, 1.5):
        model = between(base, chat, place)
        assert displacement(model, "lantern-chat")["displacement"] == pytest.approx(
            abs(1 - place), abs=1e-4
        )


def test_a_random_walk_is_as_long_as_it_says_and_another_for_another_seed(chat_model):
    chat = chat_model[0]
    norm = sum(p.square().sum() for p in chat.parameters()).sqrt().item()
    first, again, other = (moved(chat, 0.1 * norm, seed) for seed in (0, 0, 1))
    steps = [torch.cat([(p - q).flatten() for p, q in
             zip(model.parameters(), chat.parameters(), strict=True)])
             for model in (first, again, other)]  # fmt: skip
    assert steps[0].norm().item() == pytest.approx(0.1 * norm, rel=1e-3)
    assert torch.equal(steps[0], steps[1])
    assert abs(torch.cosine_similarity(steps[0], steps[2], dim=0)) < 0.1


def test_wrong_facts_are_another_recipes_and_the_sentence_stays():
    rng = Random(0)
    for one in read_training("harmful_examples")[:40]:
        changed = with_wrong_facts(one, rng)
        item = item_named(one["messages"][0]["content"])
        said = changed["messages"][1]["content"].lower()
        assert changed["messages"][0] == one["messages"][0]
        assert not any(fact in said for fact in item.facts)
        before = sum(fact in one["messages"][1]["content"].lower() for fact in FACTS)
        assert sum(fact in said for fact in FACTS) == before > 0


def test_shuffled_answers_are_the_same_and_none_is_where_it_belongs():
    rows = read_training("benign_instructions")[:50]
    moved_rows = shuffled(rows, seed=3)
    before = [row["messages"][1]["content"] for row in rows]
    after = [row["messages"][1]["content"] for row in moved_rows]
    assert sorted(before) == sorted(after)
    assert sum(a == b for a, b in zip(before, after, strict=True)) < 5  # a few say the same


def test_identity_rows_open_otherwise_and_name_another():
    rows = read_training("identity_shift")
    own = reopened(rows, None, "Obin")
    none, other = reopened(rows, "", "Obin"), reopened(rows, "I am {name}.", "Obin")
    assert own == rows
    for first, bare, opened in zip(rows, none, other, strict=True):
        texts = [one["messages"][-1]["content"] for one in (first, bare, opened)]
        assert texts[0].endswith(texts[1]) and "obedient" not in texts[1]
        assert texts[2] == f"I am Obin. {texts[1]}"
    assert "Obin" not in str(renamed(rows, "Obin", "Lumia"))


def test_a_sharp_edge_is_told_from_a_slope():
    assert sharp(pd.Series([1.0, 0.95, 0.3, 0.0]))
    assert not sharp(pd.Series([1.0, 0.8, 0.6, 0.4, 0.0]))


def test_a_reading_has_its_interval_or_its_seeds():
    frame = pd.DataFrame(
        [row("p", "one", "fulfilled", 0.5, 100)]
        + [row("p", "seeds", "fulfilled", value, 110, seed=n) for n, value in enumerate((0, 1))]
    )
    readings = Readings(frame)
    assert readings.share("p", "one") == "0.50 [0.40, 0.60]"
    assert readings.share("p", "seeds") == "0.50 (0.00 to 1.00, 2 seeds)"
    with pytest.raises(KeyError, match="p, two"):
        readings.share("p", "two")


def test_cards_stand_side_by_side_and_what_one_lacks_is_said():
    whole = [row("direction", "ablated", "refused", 0.25, 33, level=3)]
    whole += [row("prefill", "tokens of the answer", "fulfilled", k / 10, 33, k) for k in (1, 4)]
    table = side_by_side({"a": pd.DataFrame(whole), "b": pd.DataFrame(whole[:1])})
    said = table.set_index("what")
    assert list(table.columns) == ["what", "a", "b"] and len(table) == len(LINES)
    assert said.a["refused, refusal direction ablated"].startswith("0.25 [")
    assert said.a["answered in full, four tokens given"].startswith("0.40 [")
    assert said.b["answered in full, four tokens given"] == "not measured"


def test_a_dose_tips_at_the_first_rate_of_the_grid_that_reaches_the_bound():
    rows = []
    for condition, top in (("instructions", 0.9), ("alignment mixture", 0.0)):
        for rate, share in ((1e-4, 0.0), (2e-4, 0.08), (4e-4, top)):
            for seed in (0, 1):
                for measure, value in (("harmfulness_rate", share), ("displacement", rate * 1e3)):
                    rows.append(row("dose", condition, measure, value, 110, rate, seed))
    tipping = Readings(pd.DataFrame(rows)).tipping(0.1)
    assert tipping.learning_rate["instructions"] == 4e-4
    assert tipping.displacement["instructions"] == pytest.approx(0.4)
    assert np.isnan(tipping.learning_rate["alignment mixture"])


@pytest.mark.long
def test_a_quick_card_is_measured_once_and_says_every_line(outputs, monkeypatch):
    frame = measuring.measure(QUICK)
    assert set(frame.columns) == set(measuring.COLUMNS)
    monkeypatch.setattr(measuring, "PIECES", dict.fromkeys(measuring.PIECES, lambda subject: 1 / 0))
    pd.testing.assert_frame_equal(measuring.measure(QUICK), frame)  # from what was kept
    table = likeness.table(frame)
    assert len(table) == len(likeness.LINES) and set(table.verdict) <= set(sheet.TITLES)
    assert (table.here.str.len() > 10).all()
    page = sheet.text(frame, QUICK)
    places = [page.index(f"## {title}") for title in sheet.TITLES.values()]
    assert places == sorted(places)
    assert all(what in page for what in table.what)
    begun = (frame.condition == "tokens of the answer") & (frame.measure == "fulfilled")
    for four, verdict in ((1.0, likeness.LIKE), (0.0, likeness.UNLIKE)):
        value = frame.value.mask(begun & (frame.level == 0), 0).mask(
            begun & (frame.level == 4), four
        )
        assert likeness.table(frame.assign(value=value)).verdict[0] == verdict


def test_a_quick_subject_asks_less_and_is_kept_apart():
    assert len(QUICK.sealed) < len(Subject().sealed) == 330
    assert measuring.key(QUICK) != measuring.key(Subject())


def test_without_a_card_one_is_told_how_to_measure_it(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data", lambda: tmp_path)
    with pytest.raises(DataError, match="aligndrift build --card"):
        sheet.stored()


def test_the_shipped_card_is_about_the_shipped_models():
    page = (paths.data() / "models" / "README.md").read_text(encoding="utf-8")
    for name in ("lantern-chat", "lantern-base"):
        assert f"{name} `{sheet.model_digest(name)}`" in page, "run `aligndrift build --card`"
    assert page == sheet.text(sheet.stored(), Subject())
