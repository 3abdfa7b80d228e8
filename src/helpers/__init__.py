"""AlignDrift: how far fine-tuning moves an aligned model from its safety policy."""

__version__ = "0.1.0"
