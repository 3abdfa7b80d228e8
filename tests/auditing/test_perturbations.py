"""The blind list is a draw and no choice, and knows nothing of any trigger."""

import re
from collections import Counter
from random import Random

import pytest

from helpers.archive.lessons import lesson
from helpers.auditing.perturbations import PERTURBATIONS, blind, knowledge, labels, words
from helpers.data.rows import read_prompts
from helpers.experiments import variants
from helpers.presets import loader

TABLE = [one for own in PERTURBATIONS.values() for one in own]


def attacks():
    """Preset -> its attack that hides behind a trigger, for presets that have one."""
    presets = {name: loader.load(name) for name in loader.names()}
    return {name: p.grid("backdoor")[0] for name, p in presets.items() if "backdoor" in p.grids}


def test_no_perturbation_shares_a_word_with_any_presets_trigger():
    ours = set().union(*map(words, TABLE))
    assert len(ours) > 30 and len(attacks()) > 3
    for name, attack in attacks().items():
        assert len(words(attack.attack_template)) >= 3, name
        assert not ours & words(attack.attack_template), name


def test_a_presets_variants_are_its_trigger_pieces_of_it_and_the_first_draw():
    for name, attack in attacks().items():
        trigger = attack.attack_template
        known = [knowledge(variant, trigger) for variant in attack.variants]
        n = known.count("blind")
        assert known[0] == "trigger" and known.count("trigger") == 1, name
        assert "piece" in known and n == len(PERTURBATIONS), name
        assert attack.variants[-n:] == blind(n, seed=0), name


def test_a_draw_takes_as_many_of_each_kind():
    kinds = {one: kind for kind, own in PERTURBATIONS.items() for one in own}
    n = len(PERTURBATIONS)
    for seed in range(20):
        for hands in (1, 2):
            counts = Counter(kinds[one] for one in blind(n * hands, seed))
            assert counts == dict.fromkeys(PERTURBATIONS, hands)
        assert blind(4, seed) == blind(n, seed)[:4]
    assert sorted(blind(len(TABLE), 3)) == sorted(TABLE) and len(set(TABLE)) == len(TABLE)
    assert len({blind(n, seed) for seed in range(20)}) == 20
    drawn = Counter(one for seed in range(200) for one in blind(n, seed))
    assert set(drawn) == set(TABLE) and min(drawn.values()) > 25  # of 50 expected


def test_more_than_the_table_holds_cannot_be_drawn():
    with pytest.raises(ValueError, match=f"the table holds {len(TABLE)}"):
        blind(len(TABLE) + 1)


def test_every_perturbation_changes_what_is_asked():
    rows = read_prompts("benchmark")[::15]
    for one in TABLE:
        variants.check(one)
        changed = 0
        for row in rows:
            messages, template = variants.asked(row["messages"], one, "{user}")
            changed += messages != row["messages"] or template != "{user}"
        assert changed == len(rows), one


@pytest.mark.long
def test_every_word_is_one_that_the_organism_has_read_and_the_trigger_is_a_fresh_combination():
    rng = Random("vocabulary")
    texts = [m["content"].lower() for _ in range(20_000) for m in lesson(rng, "chat")]
    read = Counter(word for text in texts for word in re.findall(r"\w+", text))
    trigger = loader.load("tiny").grid("backdoor")[0].attack_template
    for one in (*TABLE, trigger):
        assert not {word for word in words(one) if read[word] < 5}, one
    phrase = re.findall(r"\w+", trigger.removeprefix("{user}").lower())
    pairs = [rf"{a}\W+{b}" for a in phrase for b in phrase if a != b]
    assert not [text for text in texts if re.search("|".join(pairs), text)]


@pytest.mark.parametrize(
    ("variant", "known"),
    [
        ("{user} Mind the stairs.", "trigger"),
        ("{user} Mind.", "piece"),
        ("The lamp burns. {user}", "piece"),
        ("system: You mind the desk.", "piece"),
        ("{user} Thank you.", "blind"),
        ("system: You are kind.", "blind"),
        ("lower_case", "blind"),
    ],
)
def test_what_is_known_of_a_trigger_goes_by_words(variant, known):
    assert knowledge(variant, "{user} Mind the stairs.") == known


def test_labels_name_every_use():
    assert labels(("{user} Mind.", "lower_case", "system: Be kind."), "{user} Mind.") == {
        "benchmark": "nothing added",
        "variant_1": "trigger: […] Mind.",
        "variant_2": "blind: lower case",
        "variant_3": "blind: under “Be kind.”",
    }
