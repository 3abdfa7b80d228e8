"""OpenAI, which the paper's GPT-3.5 column came out of."""

from helpers.hosted.providers.base import Provider

PROVIDER = Provider(
    "openai",
    "https://api.openai.com/v1",
    address_variable="OPENAI_BASE_URL",
    prices={  # of its fine-tuned models, as listed in 2024; others: ALIGNDRIFT_PRICES
        "gpt-3.5-turbo": (8.0, 3.0, 6.0),
        "gpt-4o-mini": (3.0, 0.3, 1.2),
        "gpt-4o": (25.0, 3.75, 15.0),
    },
)
