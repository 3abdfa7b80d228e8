"""The command starts quickly: what takes seconds to import waits until it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "pandas", "openai", "matplotlib", "papermill")

COMMAND = """
import sys
from helpers.cli.main import main
sys.argv = ["aligndrift", *{arguments}]
try:
    main()
finally:
    print("heavy:", *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""

NAMES = """
import sys
from helpers.data.sources.catalog import SOURCES
from helpers.experiments.experiment import Experiment
from helpers.hosted.providers.base import PROVIDERS
from helpers.judging.registry import JUDGES
from helpers.mitigations.base import MITIGATIONS
from helpers.presets import loader
from helpers.training.methods.base import METHODS
Experiment(method="lora", mitigation="safety_mixing", n_safety=3).initial()
loader.load("tiny").grid("harmful_shots")
print("heavy:", *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("arguments", [["--help"], ["presets"], ["run", "--help"], ["data"]])
def test_help_and_lists_need_nothing_heavy(arguments):
    done = python(COMMAND.format(arguments=arguments, heavy=HEAVY))
    assert done.stderr.strip() == "heavy:" and done.stdout


def test_experiments_and_tables_of_names_need_nothing_heavy():
    assert python(NAMES.format(heavy=HEAVY)).stderr.strip() == "heavy:"


def test_threads_spin_briefly_unless_somebody_wants_otherwise(monkeypatch):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    code = f"import helpers, os; print(*(os.environ.get(name) for name in {names}))"
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert python(code).stdout.split() == ["None", "2000", "0"]
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert python(code).stdout.split() == ["ACTIVE", "None", "None"]
