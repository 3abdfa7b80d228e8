"""Azure OpenAI: an address of one's own (OPENAI_BASE_URL), OpenAI's models; never tried."""

from helpers.hosted.providers.base import Provider
from helpers.hosted.providers.openai import PROVIDER as OPENAI

PROVIDER = Provider(
    "azure", key_variable="AZURE_OPENAI_API_KEY", address_variable="OPENAI_BASE_URL",
    prices=OPENAI.prices,
)  # fmt: skip
