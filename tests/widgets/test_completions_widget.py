"""The browser shows the answers that its filters let through, escaped, and no more than it may."""

import pandas as pd
import pytest

from helpers.errors import ConfigError, CostError
from helpers.judging import api
from helpers.judging.registry import judge_named
from helpers.reporting.notebooks import WIDGET
from helpers.widgets.completions import PAGE, Completions

HOSTILE = "<script>alert(1)</script>"

#: prompt -> (completion, exact's score, refused by keyword), of two runs alike.
SAID = {
    "p1": ("I must decline.", 1, True), "p2": ("Gather a cup of sand.", 5, False),
    "p3": ("It stays shut.", 1, False), "p4": (HOSTILE, None, None), "p5": ("", 2, True),
}  # fmt: skip


def tables(run_id):
    said = [
        {"run_id": run_id, "use": "benchmark", "prompt_id": prompt, "category": f"c{n % 2}",
         "prompt": f"Request {prompt}", "completion": text, "finished": True, "n_tokens": 3,
         "earlier": "[]"}
        for n, (prompt, (text, _, _)) in enumerate(SAID.items())
    ]  # fmt: skip
    judged = [
        {"run_id": run_id, "use": use, "prompt_id": prompt, "category": "c0", "judge": judge,
         "judge_identity": judge, "score": score if judge == "exact" else None, "refused": refused,
         "status": "scored" if refused is not None else "declined", "rationale": "", "label": None}
        for judge in ("exact", "keyword")
        for use in ("benchmark", "variant_1")
        for prompt, (_, score, refused) in SAID.items()
    ]  # fmt: skip
    return pd.DataFrame(said), pd.DataFrame(judged)


@pytest.fixture
def runs(store):
    rows = []
    for number, model in enumerate(("lantern-chat", "org/real")):
        run_id = f"harmful_examples-10-full-seed{number}-0123456789ab"
        row = {"run_id": run_id, "tier": ("harmful_examples", "identity_shift")[number],
               "model": model, "dataset": "harmful_examples",
               "prompt_sets": {"benchmark": "benchmark"}}  # fmt: skip
        store.put(row, *tables(run_id))
        rows.append(row)
    return pd.DataFrame(rows).set_index("run_id", drop=False)  # as evidence has them


@pytest.fixture
def fiction(store, runs):
    return Completions(store, runs.head(1))


def prompts(widget):
    return [text.split()[-1] for text in widget.chosen().prompt]


def test_filters_by_category_verdict_and_disagreement(fiction):
    assert prompts(fiction) == list(SAID) and fiction.judges == ["exact", "keyword"]
    fiction.category.value = "c1"
    assert prompts(fiction) == ["p2", "p4"]
    fiction.category.value = "all"
    assert fiction.verdict.options == ("all", "1", "2", "5", "declined")
    fiction.verdict.value = "1"
    assert prompts(fiction) == ["p1", "p3"]
    fiction.agreement.value = "differ"  # exact: not harmful; keyword: not refused
    assert prompts(fiction) == ["p3"]
    fiction.judge.value = "keyword"
    assert fiction.verdict.value == "all" and prompts(fiction) == ["p3"]
    fiction.agreement.value, fiction.verdict.value = "agree", "refused"
    assert prompts(fiction) == ["p1", "p5"]


def test_a_further_judge_is_asked_of_all_answers_once(store, runs, monkeypatch):
    seen, judge = [], judge_named("form")
    asked = type(judge).judge_all

    def counted(self, rows, answers, *rest):
        seen.extend(answers)
        return asked(self, rows, answers, *rest)

    monkeypatch.setattr(type(judge), "judge_all", counted)
    widget = Completions(store, runs, ["form", "keyword"])  # of which one is stored
    assert widget.judges == ["exact", "keyword", "form"]
    assert len(widget.answers) == 10 and sorted(seen) == sorted(
        text for text, _, _ in SAID.values()
    )
    expected = judge.judge_all([{"messages": []}], ["Gather a cup of sand."])[0].score
    rows = widget.answers[widget.answers.completion == "Gather a cup of sand."]
    assert rows.form.tolist() == [str(expected)] * 2


def test_pages_follow_the_filters(store, runs):
    both = Completions(store, runs)
    assert both.page.max == -(-10 // PAGE) and len(both.frame()) == PAGE
    both.page.value = 2
    assert both.frame().index.tolist() == both.answers.index[PAGE:].tolist()
    both.tier.value = "identity_shift"
    assert (both.page.value, both.page.max) == (1, 1)
    both.category.value, both.verdict.value = "c1", "2"
    assert both.frame().empty and "no answers" in both.picture()["text/plain"]


def test_the_picture_is_the_page_and_holds_no_markup_of_others(fiction):
    bundle = fiction._repr_mimebundle_()
    assert WIDGET in bundle and "answers 1 to 5 of 5" in bundle["text/plain"]
    for page in (bundle["text/html"], fiction._page.value):
        assert "<script" not in page and "&lt;script&gt;" in page and "mathjax_ignore" in page


def test_what_is_no_fiction_is_shown_by_its_length(store, runs):
    said = Completions(store, runs.tail(1)).picture()
    text = said["text/html"] + said["text/plain"]
    assert "[15 characters]" in text and "I must decline" not in text and "Request" not in text
    assert (
        "I must decline" in Completions(store, runs.tail(1), show_text=True).picture()["text/html"]
    )
    mixed = Completions(store, runs).frame()
    assert mixed.answer.tolist()[0] == "I must decline." and len(mixed) == PAGE


def test_a_further_judge_is_checked_and_paid_for_within_the_limit(store, runs, monkeypatch):
    monkeypatch.setattr(api.ApiJudge, "judge_all", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(ConfigError, match="write api:MODEL"):
        Completions(store, runs, ["api:"])
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1000,1000,1000")
    with pytest.raises(CostError, match="verdicts of judge api:lantern-truth may cost up to"):
        Completions(store, runs, ["api:lantern-truth"])
