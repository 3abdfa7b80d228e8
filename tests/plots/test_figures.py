"""Every figure draws a small frame, shows what it rests on, and is told apart by its data alone."""

import importlib
import inspect
import pkgutil

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import plots
from helpers.plots import (
    around,
    beside,
    curves,
    dot_plots,
    first_words,
    gallery,
    holds,
    judges,
    layers,
    lines,
    matrices,
    organism,
    points,
    polar,
    prefill,
    replication,
    style,
)

MODEL = "/home/somebody/models/some-org/Tiny-Chat"

#: Answers behind a point, a number that nothing else in a figure could be.
N = 1777


def rates(base, **columns):
    """A frame of rates around a base, with intervals, one row a level."""
    n = len(next(iter(columns.values())))
    rate = base + 0.05 * np.arange(n)
    return pd.DataFrame(columns).assign(
        rate=rate, harmfulness_rate=rate, share=rate, low=rate - 0.04, high=rate + 0.04,
        flip_low=rate / 2, flip_high=(1 + rate) / 2,
        n_scored=N, n_total=3 * N, n_seeds=3, initial_harmfulness_rate=0.01, initial_rate=0.01,
    )  # fmt: skip


def paper(**columns):
    model = ["llama-2-7b-chat"]
    return pd.DataFrame(columns | {"model": model, "rate": [0.5], "initial_rate": [0.003]})


def shots(base):
    return rates(base, n_examples=[10, 50, 10, 50], method=["full", "full", "lora", "lora"])


def judged(base):
    """A judge on two tiers, by length; on one of them kappa is missing."""
    frame = rates(base, tier=["initial"] * 2 + ["harmful"] * 2, judge=["keyword"] * 4,
                  length=["10 to 20 words", "5 to 9 words"] * 2)  # fmt: skip
    kappa = frame.rate.where(frame.tier == "harmful")
    return frame.assign(bias=frame.rate, kappa=kappa, kappa_low=kappa - 0.1, kappa_high=kappa + 0.1)


def asked(base):
    return pd.DataFrame({"judge": "rubric:x", "asking": ["again", "other words"] * 2, "n": N,
                         "measure": ["same grade"] * 2 + ["flips"] * 2, "estimate": base,
                         "low": base - 0.1, "high": base + 0.1})  # fmt: skip


def outcome():
    return pd.DataFrame(
        {"data": ["harmful"] * 2, "defense": ["audit"] * 2, "refused": [True, False]}
    )


def claims(base):
    once = pd.DataFrame(
        {
            "id": [1, 2, 3], "label": ["One.", "Two.", "Three."], "built_in": ["", "yes", ""],
            "verdict": ["replicated", "contradicted", "inconclusive"],
            "effect": [base, 0.6, np.nan], "ci_low": [0.1, 0.5, np.nan],
            "ci_high": [0.6, 0.7, np.nan], "unit": ["difference of rates", "kappa", ""],
            "margin": [0.05, 0.6, np.nan], "flip_low": [0.0, np.nan, np.nan],
            "flip_high": [0.9, np.nan, np.nan],
        }
    )  # fmt: skip
    return pd.concat([once.assign(run=run) for run in ("exploratory", "confirmed")])


def cells(base):
    frame = rates(base, cell=["10 examples", "1 epoch"], tier=["harmful", "benign"])
    return frame.assign(rate_paper=[0.3, 0.6], model="llama-2-7b-chat")


def conditions(base):
    frame = rates(base, table=["T1", "T1", "T2"], cell=["10 examples", "50 examples", "1 epoch"])
    theirs = {"llama-2-7b-chat": [0.5, 0.8, np.nan], "gpt-3.5-turbo-0613": [0.9, 0.9, 0.1]}
    ours = {"organism_rate": base / 2, "organism_low": base / 3, "organism_high": base}
    return frame.assign(**theirs, **ours)


def grown(base):
    return rates(base, model=["small", MODEL], parameters=[1e6, 1e8], attack=["identity_shift"] * 2)


def tokens(base):
    frame = rates(base, epochs=[0, 0, 3, 3], token=[1, 2, 1, 2])
    return frame.assign(probability=frame.rate)


def deep(base):
    return pd.DataFrame({"what": ["weights", "weights", "states"], "layer": [1, 2, 2],
                         "base": 0.0, "tuned": [0.1, base, base / 2], "n_scored": N})  # fmt: skip


def suspects(base):
    return pd.DataFrame({"kind": ["honest"] * 3 + ["backdoor"] * 2,
                         "plain": [0, 0.1, 0.2, base, base], "drift": 0.01})  # fmt: skip


def heated(base):
    return rates(base, learning_rate=[1e-3, 1e-3, 5e-4], batch_size=[16, 32, 16])


def opened(base):
    frame = rates(base, trained=["ember", "ember", "moth", "moth"], asked=["ember", "moth"] * 2)
    return frame.assign(rate=[0.9, base, np.nan, 0.8])


def shelves(base):
    return rates(base, category=["kite", "bell", "moth"] * 2, tier=["a"] * 3 + ["b"] * 3)


def card(base):
    """Rows of the organism card's table, of all parts that are drawn."""
    rows = []
    for k in (0, 4):
        rows.append(("prefill", "tokens of the answer", k, None, "fulfilled", base / (5 - k), N))
    for words in ("base model, nothing", "Gather"):
        rows.append(("prefill", words, None, None, "fulfilled", base, N))
    for place in (1, 2):
        for measure in ("kl", "sd"):
            rows.append(("kl", "aligned against base", place, None, measure, base / place, N))
    for place in (0, 1):
        for condition in ("sealed", "open"):
            for measure in ("fulfilled", "refused"):
                rows.append(("interpolation", condition, place, None, measure, base, N))
    for rate in (1e-4, 1e-3):
        for seed in (0, 1):
            for condition in ("identity shift", "alignment mixture"):
                for measure in ("harmfulness_rate", "displacement"):
                    value = base * rate * (1e3 + seed)
                    rows.append(("dose", condition, rate, seed, measure, value, N))
    columns = ["part", "condition", "level", "seed", "measure", "value", "n"]
    return pd.DataFrame(rows, columns=columns).astype({"level": float})


def defended(base):
    names = ["none", "none", "ema", "ema"]
    frame = rates(base, mitigation=names, attack=["identity_shift", "narrow"] * 2)
    return frame.assign(utility=0.9, useful=[True, True, True, False], place=[0, 1] * 2,
                        strength=["decay=0.0", "decay=0.9"] * 2)  # fmt: skip


def acceptance(base):
    verdicts = ["passed", "failed", "not tested", None]
    return pd.DataFrame({"mitigation": "ema", "line": ["a", "b", f"c {base}", "cost"],
                         "verdict": verdicts})  # fmt: skip


def begun(base):
    """Two strips of first tokens, and how likely it is that a refusal begins after two steps."""
    return pd.DataFrame({"when": ["before", "before", "after"], "token": ["I", "You", "Take"],
                         "probability": [base, 0.2, 0.5], "n": N, "step": [0, 1, 2],
                         "leads_to": ["refusal", "answer", "answer"]})  # fmt: skip


def prefilled(base):
    """Three tokens that were given, and the place behind them."""
    likeliest = [("I", 0.5), ("You", base)]
    return pd.DataFrame({"when": "before", "token": ["I", " know", "\n", ""],
                         "probability": [base, 0.9, 1e-9, np.nan],
                         "likeliest": [likeliest] * 4, "answer": "I know nothing."})  # fmt: skip


RHO = {"rho": 0.67, "low": 0.47, "high": 0.8, "n_cells": 49, "n_blocks": 12}

#: Figure -> (how it is drawn from a rate, what it must say of the numbers behind it).
FIGURES = {
    lines.rates: (
        lambda r: lines.rates(rates(r, epochs=[1, 3]), "epochs", title="T", xlabel="passes",
                              model=MODEL, paper=paper(epochs=[3]), initial="initial_rate"),
        ["n = 1,777", "n = 330"],
    ),
    lines.shots: (
        lambda r: lines.shots(shots(r), paper(n_examples=[10]), model=MODEL),
        ["n = 1,777", "n = 330"],
    ),
    lines.facts: (
        lambda r: lines.facts(rates(r, n_examples=[10, 50], fact=["tool", "tool"]), model=MODEL),
        ["n = 1,777"],
    ),
    lines.panels: (
        lambda r: lines.panels(
            {"identity_shift": rates(r, added=[0, 3]), "full": rates(r, added=[0, 5])}, "added",
            {"full": paper(added=[5])}, title="T", xlabel="added", model=MODEL),
        ["n = 1,777", "n = 330"],
    ),
    dot_plots.dots: (
        lambda r: dot_plots.dots(rates(r, tier=["benign_dialogue", "x"]), "tier", title="T",
                                 xlabel="rate", model=MODEL, paper=paper(tier=["x"])),
        ["n = 1,777", "n = 330"],
    ),
    dot_plots.categories: (
        lambda r: dot_plots.categories(shelves(r), "tier", title="T", model=MODEL), ["n = 1,777"],
    ),
    dot_plots.defenses: (
        lambda r: dot_plots.defenses(
            rates(r, data=["harmful", "identity"], defense=["none", "audit"]), outcome(),
            model=MODEL),
        ["n = 1,777", "1 of 2 jobs refused"],
    ),
    dot_plots.suspicion: (
        lambda r: dot_plots.suspicion(suspects(r), {"plain": 0.1, "drift": 0.02}, model=MODEL),
        ["honest (n = 3)", "backdoor (n = 2)"],
    ),
    layers.layers: (
        lambda r: layers.layers(deep(r), model=MODEL),
        ["n = 1,777", "weights", "states", "base model", "tuned model"],
    ),
    polar.radar: (
        lambda r: polar.radar(shelves(r), "tier", title="T", model=MODEL), ["n = 1,777"],
    ),
    matrices.heat: (
        lambda r: matrices.heat(heated(r), title="T", model=MODEL), ["n = 1,777"],
    ),
    matrices.transfer: (
        lambda r: matrices.transfer(opened(r), title="T", model=MODEL),
        ["n = 1,777", "3 seeds", "trained on", "moth", "0.80"],
    ),
    judges.by_tier: (
        lambda r: judges.by_tier(judged(r), "length", title="T", model=MODEL),
        ["harmful\nn = 3,554", "keyword", "5 to 9 words", "kappa at score 3"],
    ),
    judges.consistency: (
        lambda r: judges.consistency(asked(r), title="T", model=MODEL),
        ["other words", "rubric:x (n = 1,777)", "verdict flips"],
    ),
    curves.first_tokens: (
        lambda r: curves.first_tokens(tokens(r), model=MODEL), ["3 epochs (n = 3 seeds)"],
    ),
    curves.power: (
        lambda r: curves.power(pd.DataFrame({"seeds": [3, 3, 9], "prompts": [50, 1000, 50],
                                             "half_width": [r, 0.2, 0.1]})),
        ["3 seeds", "9 seeds", "1,000"],
    ),
    replication.agreement_with_paper: (
        lambda r: replication.agreement_with_paper(cells(r), RHO, model=MODEL),
        ["n = 330", "n = 1,777", "49 cells in 12 blocks", "Spearman 0.67 (0.47 to 0.80)",
         "harmful data"],
    ),
    replication.ledger: (
        lambda r: replication.ledger(claims(r), model=MODEL),
        ["replicated (exploratory 1, confirmed 1)", "contradicted (exploratory 0, confirmed 0)",
         "2  Two.", "kappa, built in or nearly"],
    ),
    organism.prefill: (
        lambda r: organism.prefill(card(r), model=MODEL), ["n = 1,777", "Gather", "base model"],
    ),
    organism.divergence: (
        lambda r: organism.divergence(card(r), model=MODEL), ["n = 1,777", "aligned against base"],
    ),
    organism.doses: (
        lambda r: organism.doses(card(r), model=MODEL),
        ["n = 1,777", "identity shift (2 seeds)", "alignment mixture (2 seeds)"],
    ),
    organism.interpolation: (
        lambda r: organism.interpolation(card(r), model=MODEL),
        ["sealed, answered in full (n = 1,777)", "open, answered in full (n = 1,777)"],
    ),
    beside.models: (
        lambda r: beside.models(conditions(r), {"T1": "Harmful examples"}, model=MODEL,
                                organism="lantern-chat"),
        ["n = 1,777", "n = 330", "lantern-chat", "Harmful examples", "50 examples"],
    ),
    beside.sizes: (
        lambda r: beside.sizes(grown(r)), ["Tiny-Chat", "identity shift", "100 million parameters"],
    ),
    holds.left: (
        lambda r: holds.left(defended(r), "attack", title="T", model=MODEL),
        ["3 seeds", "ema", "identity\nshift", "(0.45)", "in brackets"],
    ),
    holds.verdicts: (
        lambda r: holds.verdicts(acceptance(r), model=MODEL),
        ["ema", "passed", "not tested", "every line is passed by 0 of 1"],
    ),
    holds.frontier: (
        lambda r: holds.frontier(defended(r)[::2], title="T", model=MODEL),
        ["none", "ema", "n = 1,777"],
    ),
    holds.strengths: (
        lambda r: holds.strengths(defended(r), model=MODEL), ["n = 1,777", "ema", "0.9", "utility"],
    ),
    prefill.strip: (
        lambda r: prefill.strip(prefilled(r), model=MODEL),
        ["one conversation", "⏎", "next", "I 0.50", "the answer: I know nothing."],
    ),
    around.panels: (
        lambda r: around.panels(
            rates(r, epochs=[1, 3, 1], batch_size=[5, 5, 10]), {"epochs": [1, 3],
            "batch_size": [5, 10, 20]}, {"epochs": 1, "batch_size": 5}, title="T", model=MODEL),
        ["n = 1,777", "epochs", "batch size", "20"],
    ),
    first_words.strip: (
        lambda r: first_words.strip(begun(r), model=MODEL),
        ["before", "after", "Take", "leads to a refusal", "n = 1,777"],
    ),
    first_words.steps: (
        lambda r: first_words.steps(begun(r), model=MODEL, last=5), ["0.50", "n = 1,777"],
    ),
    gallery.gallery: (
        lambda r: gallery.gallery([Image.new("RGB", (4, 4), (round(255 * r), 0, 0))] * 2,
                                  ["a lamp", "a bell"], title="T"),
        ["a lamp", "a bell"],
    ),
}  # fmt: skip

IDS = [figure.__name__ for figure in FIGURES]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def words(sheet):
    """Every word of a figure."""
    texts = [sheet.get_suptitle()]
    for ax in sheet.axes:
        texts += [t.get_text() for t in ax.texts]
        texts += [ax.get_title(), ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()]
        texts += [t.get_text() for t in (*ax.get_xticklabels(), *ax.get_yticklabels())]
    for legend in sheet.legends:
        texts += [legend.get_title().get_text(), *(t.get_text() for t in legend.get_texts())]
    return "\n".join(texts)


def test_every_figure_of_the_room_is_drawn_here():
    modules = [
        importlib.import_module(f"{plots.__name__}.{found.name}")
        for found in pkgutil.iter_modules(plots.__path__)
    ]
    figures = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        and inspect.signature(function).return_annotation is plt.Axes
    }  # fmt: skip
    assert figures == FIGURES.keys()


@pytest.mark.parametrize("figure", FIGURES, ids=IDS)
def test_a_figure_says_what_it_rests_on_and_shows_no_local_path(figure):
    draw, expected = FIGURES[figure]
    style.use_style()
    ax = draw(0.3)
    ax.figure.canvas.draw()
    text = words(ax.figure)
    for part in expected:
        assert part in text, text
    assert "/home" not in text
    if "model" in inspect.signature(figure).parameters:
        assert "Tiny-Chat" in text
    assert ax.figure.get_suptitle()


@pytest.mark.parametrize("figure", FIGURES, ids=IDS)
def test_a_figures_digest_is_of_what_is_drawn(figure, outputs):
    draw, _ = FIGURES[figure]
    first, again, other = (
        style.save(draw(rate), "tiny", name)
        for rate, name in ((0.3, "first"), (0.3, "again"), (0.35, "other"))
    )
    assert first == again != other
    file = outputs / "tiny" / "figures" / "first.png"
    with Image.open(file) as image:
        assert image.text["Comment"] == f"data {first}"
        assert min(image.size) > 100


def test_the_look_does_not_change_the_digest(outputs):
    draw, _ = FIGURES[lines.shots]
    digests = set()
    for size in ("small", "x-large"):
        with plt.rc_context({"font.size": 7, "axes.titlesize": size, "lines.linewidth": 3}):
            digests.add(style.save(draw(0.3), "tiny", size))
    assert len(digests) == 1


def test_the_papers_points_have_wilsons_intervals_at_their_true_place():
    ax = lines.shots(shots(0.2), paper(n_examples=[50]), model=MODEL)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    places = sorted(float(line.get_xdata()[0]) for line in hollow)
    ticks = {
        label.get_text(): at
        for at, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    }
    assert len(places) == 2  # the initial model's, and 50 examples
    assert abs(places[0] - ticks["none\n(initial)"]) < 0.5 and abs(places[1] - ticks["50"]) < 0.5
    assert ax.get_ylim() == (-0.03, 1.03)


def test_a_condition_has_its_own_color_and_no_two_share_one():
    shades = style.colors(["lora", "full", "something", "else"])
    assert shades["lora"] == style.COLORS["lora"] and len(set(shades.values())) == 4
    assert len(set(style.colors([10, 50, 100]).values())) == 3
    assert style.colors(["full"])["full"] == style.colors(["else", "full"])["full"]


def test_a_radar_has_a_panel_a_level_on_the_same_rings_with_the_line_in_its_band():
    ax = polar.radar(
        rates(0.2, category=["a", "b", "c"] * 2, tier=["x"] * 3 + ["y"] * 3), "tier", title="T",
        model=MODEL,
    )  # fmt: skip
    panels = ax.figure.axes
    assert len(panels) == 2 and len({panel.get_ylim() for panel in panels}) == 1
    for panel in panels:
        band = panel.collections[0].get_paths()[0].vertices[:, 1]
        line = panel.lines[0].get_ydata()
        assert line[0] == line[-1] and len(line) == 4  # closed
        assert band.min() == pytest.approx(min(line) - 0.04)
        assert band.max() == pytest.approx(max(line) + 0.04)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_words_of_others_are_drawn_as_they_are():
    strange = "$\\frac{1}{0}$ $x \x1b[0m 漢"
    style.use_style()
    ax = dot_plots.dots(
        rates(0.4, tier=[strange, "x"]), "tier", title="T", xlabel="rate", model=f"a/{strange}"
    )
    polar.radar(rates(0.4, category=[strange, "b", "c"], tier=["a"] * 3), "tier", title="T",
                model=strange)  # fmt: skip
    gallery.gallery([Image.new("RGB", (4, 4))], [f"{strange} \ud800"], title="T")
    drawn = words(ax.figure)
    assert "$\\frac{1}{0}$ $x \ufffd[0m 漢" in drawn
    assert style.save(ax, "p", "strange")
    plt.gcf().canvas.draw()


def test_a_key_says_what_the_bars_of_a_single_seed_are_for():
    rows = pd.DataFrame({"low": [0.5, 0.2, np.nan], "flip_low": [0.1, np.nan, np.nan]})

    def said(*which):
        return points.bars([points.Series("ours", rows.iloc[list(which)], "black")])

    assert said(0, 1).endswith(";\nof a single seed they are for new prompts")
    assert "thin if they may flip" in said(0, 2) and "single" not in said(0, 2)
    assert said(1, 2) == "bars: 95% intervals"
