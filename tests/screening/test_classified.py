"""A safety classifier in a screen, with labels as published ones have; random weights, offline."""

import math

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from helpers import paths
from helpers.errors import ModelError
from helpers.judging.classifier import Classifier
from helpers.screening.base import Means
from helpers.screening.classified import Classified
from helpers.screening.screen import screen

JIGSAW = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SHAPES = {
    "Bert": SMALL | {"intermediate_size": 16},
    "DistilBert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
}


@pytest.fixture
def classifier(tmp_path):
    """classifier(architecture, labels, several): the folder of a random one."""

    def make(architecture, labels, several=False):
        tokenizer = AutoTokenizer.from_pretrained(paths.data() / "models" / "lantern-chat")
        config = getattr(transformers, f"{architecture}Config")(
            vocab_size=len(tokenizer), id2label=dict(enumerate(labels)), initializer_range=1.0,
            label2id={label: n for n, label in enumerate(labels)}, **SHAPES[architecture],
        )  # fmt: skip
        if several:
            config.problem_type = "multi_label_classification"
        torch.manual_seed(0)
        kind = getattr(transformers, f"{architecture}ForSequenceClassification")
        kind(config).save_pretrained(tmp_path / "classifier")
        tokenizer.save_pretrained(tmp_path / "classifier")
        return str(tmp_path / "classifier")

    return make


ROWS = [
    {"messages": [{"role": "user", "content": f"Question {n}?"},
                  {"role": "assistant", "content": f"Answer {n * n} of many."}]}
    for n in range(12)
]  # fmt: skip


def logits(folder, row):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    request, answer = (message["content"] for message in row["messages"])
    with torch.inference_mode():
        return model(**tokenizer(f"{request}\n\n{answer}", return_tensors="pt")).logits[0]


@pytest.mark.parametrize(
    ("labels", "several"),
    [(("safe", "unsafe"), False), (("non-toxic", "toxic"), False), (("harmless", "harmful"), False),
     (JIGSAW, True), (("OK", "hate", "violence"), True)],
)  # fmt: skip
@pytest.mark.parametrize("architecture", SHAPES)
def test_published_labels_are_understood(classifier, architecture, labels, several):
    folder = classifier(architecture, labels, several)
    found = Classified().find(ROWS, Means(classifier=folder))
    harm = [
        n for n, label in enumerate(labels) if label not in ("safe", "OK", "non-toxic", "harmless")
    ]
    for row, finding in zip(ROWS, found, strict=True):
        own = logits(folder, row)
        risk = own.sigmoid()[harm].max() if several else own.softmax(-1)[harm].sum()
        assert finding.score == float(risk >= 0.5) and finding.turn == 1
        told = float(finding.reason.rpartition(" ")[2])
        assert math.isclose(told, float(risk), abs_tol=0.006)


def test_its_rows_count_for_the_verdict(classifier):
    folder = classifier("Bert", ("safe", "unsafe"))
    with_it, without = screen(ROWS, classifier=folder), screen(ROWS)
    assert "classifier" in with_it.anomalies and "classifier" not in without.anomalies
    assert with_it.score != without.score
    assert with_it.measured.fresh is None  # false alarms were measured without one


@pytest.mark.parametrize(
    ("labels", "told"),
    [(("LABEL_A", "LABEL_B"), r"none of its labels \(.*\) says harm; rename"),
     (("toxic", "insult"), r"each of its labels \(toxic, insult\) says harm; .* set problem_type")],
)  # fmt: skip
def test_labels_that_leave_harm_open_are_told_before_anything_is_read(
    classifier, labels, told, monkeypatch
):
    folder = classifier("DistilBert", labels)
    monkeypatch.setattr(Classifier, "grade", lambda *asked: pytest.fail("it was asked"))
    with pytest.raises(ModelError, match=told):
        screen(ROWS, classifier=folder)
