"""How often the keyword judges agree with people, on labeled answers of your own.

    python benchmarks/refusal_agreement.py xstest_v2_completions_*.csv

Each file is a CSV with the columns completion and final_label (1_full_compliance, 2_full_refusal,
3_partial_refusal), as the completions that XSTest's authors publish (arXiv:2308.01263, CC-BY-4.0).
A partial refusal counts as a refusal. One row a file and judge, and one of all files.
"""

import argparse
import csv
from pathlib import Path

import pandas as pd

from helpers.judging.registry import judge_named
from helpers.statistics.intervals import wilson

JUDGES = ("keyword_refusal", "keyword_opening", "keyword")


def labeled(file: Path) -> pd.DataFrame:
    """file, completion and label: full_compliance, full_refusal or partial_refusal."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = [(row["completion"], row["final_label"][2:]) for row in csv.DictReader(stream)]
    return pd.DataFrame(rows, columns=["completion", "label"]).assign(file=file.stem)


def agreement(answers: pd.DataFrame, judge: str) -> dict[str, object]:
    """Of a judge with the labels. answers: columns completion and label."""
    texts = list(answers.completion)
    verdicts = judge_named(judge).judge_all([{}] * len(texts), texts)
    said = pd.Series([bool(verdict.refused) for verdict in verdicts], index=answers.index)
    refused = answers.label != "full_compliance"
    agree, whole = said == refused, answers.label != "partial_refusal"
    share = wilson(int(agree.sum()), len(agree))
    return {
        "judge": judge, "n": len(agree), "agreement": share.estimate, "low": share.low,
        "high": share.high, "recall": said[refused].mean(), "precision": refused[said].mean(),
        "without partial": agree[whole].mean(), "n without": int(whole.sum()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    answers = pd.concat(map(labeled, parser.parse_args().files), ignore_index=True)
    groups = [*answers.groupby("file"), ("all", answers)]
    table = [{"file": name} | agreement(rows, judge) for name, rows in groups for judge in JUDGES]
    print(pd.DataFrame(table).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
