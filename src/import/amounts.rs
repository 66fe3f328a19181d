//! Amounts as the TypeScript BudgetGuard keeps them: decimals of thirty places. They are read and added exactly, and
//! rounded once, to what we keep.

use std::fmt;

use crate::domain::money::Usd;
use crate::domain::pricing::Rate;

const NANO_PLACES: usize = 9;
const REST_PLACES: usize = 21;
const REST_UNIT: i128 = 10_i128.pow(21);
const NANOS_PER_MICRO: i128 = 1_000;

/// A decimal: whole nano-dollars, rounded down, and what is above them, in units of 10^-30.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact {
    nanos: i128,
    /// From nothing up to less than a nano-dollar.
    rest: i128,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, rest: 0 };

    /// Reads a decimal without an exponent, as databases print it; `None` for anything else, and for what
    /// is finer than thirty places or larger than any amount.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_numeric(whole) || !is_numeric(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > NANO_PLACES + REST_PLACES {
            return None;
        }
        let padded = format!("{fraction:0<30}");
        let (nanos, rest) = padded.split_at_checked(NANO_PLACES)?;
        let magnitude = Self {
            nanos: format!("{whole}{nanos}").parse().ok()?,
            rest: rest.parse().ok()?,
        };
        Some(if is_negative {
            magnitude.negated()
        } else {
            magnitude
        })
    }

    /// An amount of ours.
    pub fn from_usd(amount: Usd) -> Self {
        Self {
            nanos: i128::from(amount.nanos()),
            rest: 0,
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let rest = self.rest + other.rest;
        let nanos = self.nanos.saturating_add(other.nanos);
        Self {
            nanos: nanos.saturating_add(rest.div_euclid(REST_UNIT)),
            rest: rest.rem_euclid(REST_UNIT),
        }
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    fn negated(self) -> Self {
        let borrowed = i128::from(self.rest > 0);
        Self {
            nanos: self.nanos.saturating_neg().saturating_sub(borrowed),
            rest: if self.rest > 0 {
                REST_UNIT - self.rest
            } else {
                0
            },
        }
    }

    /// Whether it is below nothing.
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether nothing is finer than a nano-dollar.
    pub fn is_whole(self) -> bool {
        self.rest == 0
    }

    /// The next amount of ours that is not less: what a charge becomes. `None` when there is none so large.
    pub fn rounded_up(self) -> Option<Usd> {
        let nanos = self.nanos.saturating_add(i128::from(self.rest > 0));
        i64::try_from(nanos).ok().map(Usd::from_nanos)
    }

    /// The next amount of ours that is not more: what a limit becomes.
    pub fn rounded_down(self) -> Option<Usd> {
        i64::try_from(self.nanos).ok().map(Usd::from_nanos)
    }

    /// As dollars for a million tokens, rounded up, and whether that was exact.
    pub fn rate(self) -> Option<(Rate, bool)> {
        let nanos = self.nanos.saturating_add(i128::from(self.rest > 0));
        let whole = nanos.div_euclid(NANOS_PER_MICRO);
        let is_exact = self.rest == 0 && nanos.rem_euclid(NANOS_PER_MICRO) == 0;
        let micros = whole.saturating_add(i128::from(nanos.rem_euclid(NANOS_PER_MICRO) > 0));
        let rate = i64::try_from(micros).ok().map(Rate::from_picos)?;
        Some((rate, is_exact))
    }
}

impl fmt::Display for Exact {
    /// The exact decimal without trailing zeros.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, magnitude) = if self.is_negative() {
            ("-", self.negated())
        } else {
            ("", *self)
        };
        let digits = format!("{:010}{:021}", magnitude.nanos, magnitude.rest);
        let places = NANO_PLACES + REST_PLACES;
        let whole = digits.get(..digits.len().saturating_sub(places));
        let fraction = digits.get(digits.len().saturating_sub(places)..);
        let fraction = fraction.unwrap_or_default().trim_end_matches('0');
        write!(formatter, "{sign}{}", whole.unwrap_or("0"))?;
        if fraction.is_empty() {
            return Ok(());
        }
        write!(formatter, ".{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn thirty_places_are_read_and_printed_exactly() {
        for (text, printed) in [
            ("0", "0"),
            (
                "0.000000000000000000000000000001",
                "0.000000000000000000000000000001",
            ),
            (
                "-0.000000000000000000000000000001",
                "-0.000000000000000000000000000001",
            ),
            ("12.500000000000000000000000000000", "12.5"),
            ("-5", "-5"),
        ] {
            assert_eq!(exact(text).to_string(), printed, "{text}");
        }
        let finer = format!("0.{}1", "0".repeat(30));
        let larger = "9".repeat(35);
        for text in ["NaN", "Infinity", "", "-", "1e3", ".5", &finer, &larger] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
    }

    #[test]
    fn charges_are_rounded_up_and_limits_down() {
        let fine = exact("0.0000000012");
        assert_eq!(fine.rounded_up(), Some(Usd::from_nanos(2)));
        assert_eq!(fine.rounded_down(), Some(Usd::from_nanos(1)));
        assert_eq!(
            exact("-0.0000000012").rounded_up(),
            Some(Usd::from_nanos(-1))
        );
        assert_eq!(exact("9223372037").rounded_up(), None);
        assert_eq!(
            exact("0.01875").rate(),
            Some((Rate::from_picos(18_750), true))
        );
        assert_eq!(
            exact("0.0000001").rate(),
            Some((Rate::from_picos(1), false))
        );
    }

    proptest! {
        #[test]
        fn sums_are_exact(
            one in (-1_000_000_i64..1_000_000, 0_u64..u64::MAX),
            other in (-1_000_000_i64..1_000_000, 0_u64..u64::MAX),
        ) {
            let read = |(whole, fraction): (i64, u64)| exact(&format!("{whole}.{fraction:030}"));
            let (one, other) = (read(one), read(other));
            prop_assert_eq!(one.plus(other).minus(other), one);
            prop_assert_eq!(exact(&one.to_string()), one);
            let charged = Exact::from_usd(one.rounded_up().unwrap());
            prop_assert!(charged >= one);
            prop_assert!(charged.minus(one) < exact("0.000000001"));
        }
    }
}
