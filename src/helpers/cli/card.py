"""The command that makes a defense's acceptance card."""

from typing import Annotated

import typer

from helpers.cli.app import Jobs, Json, ModelOption, PresetOption, app, if_paid
from helpers.cli.claims import seed_numbers
from helpers.cli.terminal import json_line


@app.command()
def card(
    mitigation: Annotated[
        str, typer.Argument(help="A defense: NAME, NAME:option=value, or module:Class.")
    ],
    preset: PresetOption = "tiny",
    model: ModelOption = "",
    seeds: Annotated[str, typer.Option(help="Such as 21-26; the preset's first six if open.")] = "",
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Whether a defense is to be believed: five lines, each with its test and interval.

    It is run beside no defense on the same seeds: does the rate fall, does it fall as much in words
    that nobody saw, has changed what the method says it changes, does it carry over to other data,
    is the model still of use? Beside the lines stand the worst that somebody who knows the defense
    can do, and what it costs. What is stored is not run again.

    Example: `aligndrift card kl_anchor:strength=1`
    """
    from helpers.presets import loader
    from helpers.reporting import acceptance

    chosen = loader.load(preset).using(model)
    frame = if_paid(lambda: acceptance.card(mitigation, chosen, seed_numbers(seeds), jobs))
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if as_json:
        passed = acceptance.passed(frame)
        print(json_line({"mitigation": mitigation, "accepted": passed, "lines": rows}))
        return
    for row in rows:
        print(f"{row['verdict'] or '':10}  {row['line']}: {row['what']}")
        if said := _numbers(row):
            print(f"{'':12}{said}")
    print("accepted" if acceptance.passed(frame) else "not accepted: every line has to be passed")


def _numbers(row: dict) -> str:
    """What was measured, with its interval, its test and over how many seeds."""
    if row["effect"] is None:
        return ""
    text = f"{row['effect']:+.3f}" if row["test"] else f"{row['effect']:.2f}"
    if row["low"] is not None:
        text += f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    if row["p_value"] is not None:
        text += f", p = {row['p_value']:.1e}"
    return f"{text}, {row['n_seeds']} seeds" + (f"; {row['test']}" if row["test"] else "")
