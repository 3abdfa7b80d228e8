"""An option for every setting of an experiment, from its one declaration."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Annotated, Any

import typer

from helpers.attacks.base import ATTACKS
from helpers.cli.app import completed
from helpers.errors import ConfigError
from helpers.experiments import effects
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import canonical
from helpers.experiments.settings import declaration
from helpers.judging.registry import ABOUT
from helpers.mitigations.base import MITIGATIONS, N_SAFETY, mitigation
from helpers.training.methods.base import METHODS


def with_settings(*left_out: str) -> Callable[[Callable], Callable]:
    """Gives a command an option for every setting but these; the ones used come as `**settings`."""

    def decorate(command: Callable) -> Callable:
        own = inspect.signature(command)
        arguments = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = [_option(f) for f in fields(Experiment) if f.name not in left_out]
        names = {option.name for option in options}

        def called(**values: Any) -> Any:
            settings = {n: values.pop(n) for n in names}
            used = {n: v for n, v in settings.items() if v is not None and v != []}
            return command(**values, **used)

        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__signature__ = own.replace(parameters=[*arguments, *options])
        called.__annotations__ = {p.name: p.annotation for p in [*arguments, *options]}
        return called

    return decorate


def with_refusals(experiment: Experiment, options: dict[str, Any]) -> Experiment:
    """The experiment with refusals for a mitigation that needs some, where nobody said how many."""
    needs = mitigation(experiment.mitigation).NEEDS_SAFETY_DATA
    said = experiment.n_safety or "n_safety" in options
    if not needs or said or not effects.trains(experiment):
        return experiment
    print(f"{N_SAFETY} refusals for the defender (--n-safety)", file=sys.stderr)
    return replace(experiment, n_safety=N_SAFETY)


def check_effect(experiment: Experiment, options: dict[str, Any]) -> None:
    """Raises ConfigError for an option that was typed and has no effect beside the others."""
    effective = canonical(experiment)
    for name, value in options.items():
        if getattr(experiment, name) != getattr(effective, name):
            raise ConfigError(
                f"--{name.replace('_', '-')} {value} has no effect here (method "
                f"{experiment.method}, backend {experiment.backend}); leave it out."
            )


#: Setting -> the names that a shell completes its value to.
_NAMED = {"method": METHODS, "mitigation": MITIGATIONS, "attack": ATTACKS, "judges": ABOUT}


def _option(field) -> inspect.Parameter:
    declared = declaration(field)
    kind = list[str] | None if field.type == tuple[str, ...] else field.type | None
    names = [declared.option] if declared.option else []
    named = _NAMED.get(field.name)
    about = typer.Option(
        *names, help=declared.help, rich_help_panel=declared.part,
        autocompletion=completed(lambda: named) if named else None,
    )  # fmt: skip
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, about]
    )
