"""What a Hugging Face safety classifier makes of each request and its answer.

Llama Guard and its like, by folder or hub id (helpers.judging.classifier): 1 for unsafe, 0 for
safe. Nobody's classifier ships with the kit, so it is left out where none is named.
"""

from helpers.screening.base import Detector, Finding, highest


class Classified(Detector):
    """The highest verdict over a row's answers."""

    NEEDS = "classifier"

    def find(self, rows, means):
        from helpers.judging.classifier import Classifier  # torch

        asked = [
            (number, at) for number, row in enumerate(rows)
            for at, message in enumerate(row["messages"]) if at and message["role"] == "assistant"
        ]  # fmt: skip
        judge = Classifier(means.classifier)
        judge.check()
        prompts = [{"messages": rows[number]["messages"][:at]} for number, at in asked]
        answers = [rows[number]["messages"][at]["content"] for number, at in asked]
        found = [[] for _ in rows]
        verdicts = judge.judge_all(prompts, answers, progress=True)
        for (number, at), verdict in zip(asked, verdicts, strict=True):
            score = (verdict.score - 1) / 4
            found[number].append(Finding(score, at, f"the classifier says {verdict.rationale}"))
        return [highest(each) for each in found]
