//! Dollars with all the digits that providers' exports give them: finer than any charge, and never floats.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::money::{ParseUsdError, Usd, parse_scaled_wide};

/// More decimal places than the shortest text of any binary fraction of a plausible amount has.
const PLACES: usize = 24;
const CENT_PLACES: usize = PLACES - 2;
const UNITS_PER_NANO: i128 = 1_000_000_000_000_000;
const UNITS_PER_USD: u128 = 1_000_000_000_000_000_000_000_000;

/// An amount of US dollars to the 24th decimal place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExactUsd(i128);

impl ExactUsd {
    /// Reads a decimal amount of dollars.
    pub(super) fn parse(text: &str) -> Result<Self, ParseUsdError> {
        parse_scaled_wide(text, PLACES).map(Self)
    }

    /// Reads a decimal amount of cents.
    pub(super) fn parse_cents(text: &str) -> Result<Self, ParseUsdError> {
        parse_scaled_wide(text, CENT_PLACES).map(Self)
    }

    /// The sum, held at the largest amount there is.
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, which may be negative.
    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether the amount is further from nothing than another.
    pub(super) fn exceeds(self, other: Self) -> bool {
        self.0.unsigned_abs() > other.0.unsigned_abs()
    }
}

impl From<Usd> for ExactUsd {
    fn from(amount: Usd) -> Self {
        Self(i128::from(amount.nanos()).saturating_mul(UNITS_PER_NANO))
    }
}

impl fmt::Display for ExactUsd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let whole = magnitude.checked_div(UNITS_PER_USD).unwrap_or_default();
        let rest = magnitude.checked_rem(UNITS_PER_USD).unwrap_or_default();
        if rest == 0 {
            return write!(formatter, "{sign}{whole}");
        }
        let digits = format!("{rest:0PLACES$}");
        write!(formatter, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for ExactUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_digits_of_a_float_that_somebody_printed_are_kept() {
        for text in ["0.060000000000000005", "0.13080438340307526", "-12.5", "7"] {
            assert_eq!(ExactUsd::parse(text).unwrap().to_string(), text);
        }
        let tiny = ExactUsd::parse("1.2345678901234567e-05").unwrap();
        assert_eq!(tiny.to_string(), "0.000012345678901234567");
        let cents = ExactUsd::parse_cents("123.78912").unwrap();
        assert_eq!(cents.to_string(), "1.2378912");
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in [
            "",
            "1,000.00",
            "$5",
            "NaN",
            "1e400",
            "0.0000000000000000000000001",
        ] {
            assert!(ExactUsd::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_charge_is_the_same_amount(nanos in any::<i64>()) {
            let amount = Usd::from_nanos(nanos);
            prop_assert_eq!(ExactUsd::from(amount).to_string(), amount.to_string());
        }
    }
}
