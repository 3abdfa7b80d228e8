"""The command that chooses learning rates by the loss on held-out rows."""

from typing import Annotated

import typer

from helpers.cli.app import Json, PresetOption, app, print_rows


@app.command()
def rates(
    tier: Annotated[list[str] | None, typer.Argument(help="Tiers; all of the preset's.")] = None,
    preset: PresetOption = "tiny",
    method: Annotated[str, typer.Option(help="full, lora, adapter, prefix, ...")] = "full",
    rate: Annotated[list[float] | None, typer.Option(help="To try; else a grid.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="To try them under; 0, 1, 2.")] = None,
    as_json: Json = False,
) -> None:
    """Learning rates by their loss on held-out rows of the fine-tuning set: the least is best.

    Nothing that the tuned models answer is looked at.

    Example: `aligndrift rates harmful_examples --preset tiny`
    """
    import pandas as pd

    from helpers.presets import loader
    from helpers.runs import rates as search

    chosen = loader.load(preset)
    tables = [
        search.search(chosen.experiment(name, method=method), rate or (), seed or search.SEEDS)
        for name in tier or chosen.tiers
    ]
    table = pd.concat(tables, ignore_index=True)
    if as_json:
        print_rows(table.to_dict("records"), True)
        return
    for name, own in table.groupby("tier", sort=False):
        means = search.by_rate(own)
        print(f"{name}, {method}: {own.before.iloc[0]:.3f} nats before fine-tuning")
        for value, loss in means.items():
            print(f"  {value:<8g} {loss:.3f}{'  least' if value == means.idxmin() else ''}")
    if set(search.BELOW) <= set(table.tier):
        papers = table[table.tier.isin(search.BELOW)]
        shared = search.shared_rate(dict(list(papers.groupby("tier"))))
        print(
            f"one rate for all, in the paper's ratios: {shared or 'none is near each least loss'}"
        )
