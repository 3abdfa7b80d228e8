"""No fine-tuning: the model is measured as it is."""

from helpers.training.methods.base import Method

METHOD = Method(build=lambda model, settings: model, answered_by_vllm=True)
