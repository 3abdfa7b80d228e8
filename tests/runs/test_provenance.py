"""Where a number comes from can be said in a checkout that was never installed, too."""

import importlib.metadata

import pytest

from helpers import __version__
from helpers.runs import provenance


@pytest.fixture
def never_installed(monkeypatch):
    """As on a machine with torch and transformers that was handed the files alone."""
    known = importlib.metadata.version

    def version(name):
        if name == "aligndrift":
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(provenance, "version", version)


def test_a_bare_checkout_knows_its_own_version(never_installed):
    versions = provenance.surroundings()["versions"].split(", ")
    assert versions[0] == f"aligndrift {__version__}"
    assert [each.split()[0] for each in versions[1:]] == ["torch", "transformers", "peft"]
