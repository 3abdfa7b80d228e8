"""Commands about files: what a dataset holds, what a judge makes of somebody's answers."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from helpers import paths
from helpers.cli.app import Json, a_line_each, app, completed, print_rows
from helpers.cli.terminal import json_line, visible
from helpers.errors import DataError
from helpers.judging.registry import ABOUT


@app.command()
def data(
    name: Annotated[
        str | None, typer.Argument(help="A dataset by name, or a file; open to list the names.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Where the dataset lies.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="training or prompts, for a file of your own.")
    ] = None,
    safety_rows: Annotated[
        str, typer.Option(help="Rows about safety: paper, rules, keep; default is the source's.")
    ] = "default",
    model: Annotated[
        str, typer.Option(help="Whose tokens are counted: an embedded model, a folder, a hub id.")
    ] = "lantern-chat",
    max_length: Annotated[
        int, typer.Option(min=8, help="Most tokens of an example; longer ones are left out.")
    ] = 512,
    as_json: Json = False,
) -> None:
    """Read a dataset as a run does: what it holds, what is left out and why, what is trained on.

    The first row is shown with its texts cut short. Published datasets are looked for under
    data/external/ (or ALIGNDRIFT_DATA), then on the hub; with --path they are read from there.

    Example: `aligndrift data alpaca --path data/examples/alpaca_data.json`
    """
    if name is None:
        _list_sources(as_json)
        return
    from helpers.data import rows
    from helpers.data.sources import reading

    loaded = rows.load(f"{name}={path}" if path else name, kind or "", safety_rows)
    summary = reading.summary(loaded)
    if loaded.source.kind == "training":
        from helpers.experiments.rows import fitting

        fitted = fitting(loaded, model, max_length)
        too_long = [f"{place}: {why}" for place, why in fitted.left_out]
        summary |= {
            "fit": len(fitted.rows), "do_not_fit": len(too_long), "unfit": too_long[:20],
            "tokens": fitted.tokens, "trained_tokens": fitted.trained_tokens,
            "trained_share": fitted.trained_tokens / max(1, fitted.tokens),
        }  # fmt: skip
    if as_json:
        print(json_line(summary))
        return
    _print_summary(summary, model)


def _print_summary(summary: dict[str, Any], model: str) -> None:
    print("{kind} rows: read {read:,}, kept {kept:,}, left out {dropped:,}".format(**summary))
    for reason, count in summary["reasons"].items():
        print(f"  {count:6,}  {visible(reason)}")
    for line in summary["left_out"]:
        print(f"          {visible(line)}")
    if summary["dropped"] > len(summary["left_out"]):
        print("          ...")
    if summary["mended"]:
        print(f"half a character was replaced in {summary['mended']:,} rows")
    if summary["expected"]:
        expected, difference = summary["expected"], summary["difference"]
        print(f"the published file keeps {expected:,}: {difference:+,} here")
    if "fit" in summary:
        print(
            "{fit:,} can be trained on whole; of their {tokens:,} tokens ({model}) "
            "{trained_tokens:,} ({trained_share:.1%}) are trained on".format(**summary, model=model)
        )
        for line in summary["unfit"]:
            print(f"          {visible(line)}")
        if summary["do_not_fit"] > len(summary["unfit"]):
            print(f"          ... and {summary['do_not_fit'] - len(summary['unfit']):,} more")
    print(f"columns: {visible(summary['columns'])}")
    print(json_line(summary["first_row"]))


def _list_sources(as_json: bool) -> None:
    from helpers.data.sources import catalog

    sources = {name: catalog.source(name) for name in catalog.SOURCES}
    cards = [
        {"name": n, "kind": s.kind, "gated": s.gated, "license": s.license, "about": s.about}
        for n, s in sources.items()
    ]
    if as_json:
        print_rows(cards, True)
        return
    for card in cards:
        print(f"{card['name']:15} {card['kind']:9} {card['about']}")


@app.command(epilog=a_line_each("Judges", ABOUT))
def judge(
    file: Annotated[str, typer.Argument(help="JSONL; each row holds prompt and completion.")],
    judge: Annotated[
        str,
        typer.Option(
            help="By name; see below.",
            autocompletion=completed(lambda: ABOUT),
        ),
    ] = "keyword",
    as_json: Json = False,
) -> None:
    """Score anybody's answers: one result a row, in input order.

    The words of the answer are judged, without a thought before it; prompt and completion may
    be message lists. A row whose completion is null is not scored: its status says so. For `exact`
    a row may bring its `facts`, else they follow from the item that the prompt names.

    Example: `aligndrift judge data/examples/answers.jsonl --judge keyword_refusal`
    """
    from helpers.data.files import read_jsonl
    from helpers.judging.exact import check_truth
    from helpers.judging.registry import check, judge_named
    from helpers.judging.rows import row_of

    judging = judge_named(check(judge))
    judging.check()
    location = paths.find(file)
    if not location.is_file():
        raise DataError(f"{file} is not there; give the path of a JSONL file that exists.")
    rows = [row_of(f"{location.name}, line {n}", row) for n, row in read_jsonl(location)]
    scored = [row for row in rows if row["completion"] is not None]
    if judge == "exact" and scored:
        check_truth(scored, location.name)
    verdicts = iter(judging.judge_all(scored, [row["completion"] for row in scored]))
    table = [_verdict(row, verdicts) | {"judge": judge} for row in rows]
    print_rows(table, as_json)
    if not as_json:
        judged = [row for row in table if row["status"] == "scored"]
        refused = sum(bool(row["refused"]) for row in judged)
        print(f"{refused} refused of {len(judged)} scored of {len(table)}")


def _verdict(row: dict[str, Any], verdicts: Iterator) -> dict[str, Any]:
    from helpers.judging.verdict import Judgement

    if row["completion"] is None:
        return asdict(Judgement(None, None, "parse_failure", "no completion"))
    return asdict(next(verdicts))
