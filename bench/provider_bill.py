"""What a provider bills, from its books and the price list alone: none of the gateway's code is asked."""

import csv
import math
from fractions import Fraction
from pathlib import Path

NANO_USD_PER_USD = 10**9
RATES = Path(__file__).resolve().parent.parent / "conf" / "prices" / "rates.csv"


def usd_per_token(model):
    """A model's standard rates by kind."""
    with RATES.open(newline="") as file:
        return {
            row["kind"]: Fraction(row["usd"]) / int(row["per"])
            for row in csv.DictReader(file)
            if (row["model"], row["tier"], row["context_above_tokens"]) == (model, "standard", "0")
        }


def billed_usd(call, rates):
    """What the provider bills for one call, rounded up to whole nano-dollars."""
    billed = call["billed"]
    usd = (
        (billed["input"] - billed["cached_input"]) * rates["input"]
        + billed["cached_input"] * rates["cached_input"]
        + billed["output"] * rates["output"]
    )
    return Fraction(math.ceil(usd * NANO_USD_PER_USD), NANO_USD_PER_USD)
