"""The command that looks into a fine-tuning file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from helpers.cli.app import Json, app, errors_end_with
from helpers.cli.terminal import json_line, visible

#: What the exit status says.
CLEAN, SUSPICIOUS, UNREAD = 0, 1, 2

#: Characters of a row that are shown, where they may be.
LENGTH = 80


@app.command()
def screen(
    file: Annotated[str, typer.Argument(help="Training rows: a dataset by name, or a file.")],
    model: Annotated[
        str, typer.Option(help="The aligned model to be trained: embedded, a folder, a hub id.")
    ] = "",
    anchors: Annotated[
        str, typer.Option(help="Harmful rows for that model, by name or path; else the known ones.")
    ] = "",
    classifier: Annotated[
        str, typer.Option(help="A Hugging Face safety classifier, by folder or hub id.")
    ] = "",
    honest: Annotated[
        str, typer.Option(help="An honest file of yours to compare with, not the Archive's.")
    ] = "",
    false_alarms: Annotated[
        float,
        typer.Option(
            help="Share of honest development files that the threshold accuses: 0.01 or 0.05. "
            "The verdict says how many fresh ones it accused."
        ),
    ] = 0.01,
    rows: Annotated[int, typer.Option(min=0, help="How many rows are listed, worst first.")] = 10,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Show what rows say, of any file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What is in a fine-tuning file: each row's score with the reason, and the file's verdict.

    Exit status 0: nothing suspicious; 1: suspicious; 2: it could not be read, or not be screened.
    A row's score is 0.5 where one honest row in a hundred lies. Without --model the cheap detectors
    look. What is compared with are honest files of the Lantern Archive: for other text or another
    model than lantern-chat name an honest file of your own (--honest), else what the model's
    detectors find is told by --json and not counted. With --json every row is an object, in the
    file's order, and the file's object comes last.

    Example: `aligndrift screen data/examples/chat.jsonl --model lantern-chat --json`
    """
    from helpers.data import rows as data

    with errors_end_with(UNREAD):
        loaded = data.load(file, "training")
        from helpers.screening.screen import screen as look_into

        own = data.load(honest, "training").rows if honest else ()
        screened = look_into(
            loaded.rows, model, anchors, classifier, false_alarms=false_alarms, honest=own,
            progress=True,
        )  # fmt: skip
    verdict = {
        "file": loaded.name, "suspicious": screened.suspicious, "score": screened.score,
        "threshold": screened.threshold, "false_alarms": false_alarms,
        "threshold_set_on": screened.measured.n_honest,
        "fresh_honest_accused": screened.measured.fresh,
        "rows": len(loaded.rows), "not_read": len(loaded.left_out), "model": model or None,
        "honest": (honest and Path(honest).name) or None,
        "anomalies": screened.anomalies, "features": screened.features,
        "left_out": screened.left_out, "not_counted": screened.not_counted,
    }  # fmt: skip
    if as_json:
        for row in screened.rows.sort_values("row").itertuples():
            scores = {name: found[row.row].score for name, found in screened.findings.items()}
            print(json_line(_row(row, loaded, show_text) | {"detectors": scores}))
        print(json_line(verdict))
    else:
        for row in screened.rows.query("score > 0").head(rows).itertuples():
            told = _row(row, loaded, show_text)
            turn = f", turn {told['turn']}" if told["turn"] else ""
            place = f"{visible(told['place'])}{turn}"
            said = f"  {visible(told['words'])}" if told["words"] else ""
            print(f"{row.score:.2f}  {place}: {row.reason} ({row.detector}){said}")
        _print_verdict(verdict, screened.measured.words)
    raise typer.Exit(SUSPICIOUS if screened.suspicious else CLEAN)


def _row(row: Any, loaded: Any, show_text: bool) -> dict[str, Any]:
    """What is told of a row, turns counted from 1; of what it says as much as may be shown."""
    import pandas as pd

    from helpers.data.disclosure import shown

    turn = None if pd.isna(row.turn) else int(row.turn)
    words = row.words
    if not words and turn is not None and row.detector != "private":
        words = loaded.rows[row.row]["messages"][turn]["content"]
    words = shown(words, loaded.name, show_text=show_text) if words else ""
    return {
        "row": row.row + 1, "place": loaded.places[row.row], "score": row.score,
        "detector": row.detector or None, "turn": None if turn is None else turn + 1,
        "reason": row.reason or None,
        "words": words if len(words) <= LENGTH else f"{words[:LENGTH]}…",
    }  # fmt: skip


def _print_verdict(verdict: dict, above: str) -> None:
    reasons = verdict["left_out"]
    for why in dict.fromkeys(reasons.values()):
        names = [name for name, reason in reasons.items() if reason == why]
        print(f"left out: {', '.join(names)}: {why}")
    if names := verdict["not_counted"]:
        print(f"not counted, having no scale for this model (--honest): {', '.join(names)}")
    if n := verdict["not_read"]:
        print(f"{n:,} rows could not be read and are not screened (`aligndrift data` says why)")
    levels = sorted(verdict["anomalies"].items(), key=lambda pair: -pair[1])
    why = ", ".join(f"{name} {level:.1f}" for name, level in levels[:3] if level > 0)
    print(
        f"{visible(verdict['file'])}: {'suspicious' if verdict['suspicious'] else 'not suspicious'}"
        f", score {verdict['score']:.2f}"
        + (f" (most unlike honest files: {why})" if why else "")
        + f"; above {verdict['threshold']:.2f} lie {above}."
    )
