//! Money: whole nano-dollars. Never a float, never rounded but once, upwards, when a request is charged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

const NANOS_PER_USD: i64 = 1_000_000_000;
const FRACTION_DIGITS: usize = 9;

/// An amount of US dollars in nano-dollars; at most 9.2 billion dollars either way.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(i64);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The largest amount there is; sums stop here instead of wrapping.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount from whole nano-dollars, as stores and counters keep it.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in whole nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum, or `None` when it cannot be represented.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, held at [`Usd::MAX`]: a limit compared with it still refuses.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; it may be negative (an overspent budget has negative headroom).
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether the amount is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Rounds pico-dollars up to whole nano-dollars: the one rounding that a charge has.
    pub(crate) fn from_picos_rounded_up(picos: i128) -> Self {
        const PICOS_PER_NANO: i128 = 1_000;
        let whole = picos.checked_div_euclid(PICOS_PER_NANO).unwrap_or_default();
        let rest = picos.checked_rem_euclid(PICOS_PER_NANO).unwrap_or_default();
        let nanos = whole.saturating_add(i128::from(rest > 0));
        let limit = if nanos < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(nanos).unwrap_or(limit))
    }
}

impl fmt::Display for Usd {
    /// The exact decimal, without a currency sign and without trailing zeros: `0.0075`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let unit = NANOS_PER_USD.unsigned_abs();
        let whole = magnitude.checked_div(unit).unwrap_or_default();
        let digits = fraction_digits(magnitude.checked_rem(unit).unwrap_or_default());
        let last = digits.iter().rposition(|digit| *digit != b'0');
        formatter.write_str(sign)?;
        whole.fmt(formatter)?;
        match last.and_then(|last| std::str::from_utf8(digits.get(..=last)?).ok()) {
            Some(fraction) => write!(formatter, ".{fraction}"),
            None => Ok(()),
        }
    }
}

/// The nine decimal places. Each response shows amounts, so this does without the machinery that a
/// format with a width brings.
fn fraction_digits(nanos: u64) -> [u8; 9] {
    let mut digits = [b'0'; 9];
    let mut rest = nanos;
    for digit in digits.iter_mut().rev() {
        let last = rest
            .checked_rem(10)
            .and_then(|last| u8::try_from(last).ok());
        *digit = b'0'.saturating_add(last.unwrap_or_default());
        rest = rest.checked_div(10).unwrap_or_default();
    }
    digits
}

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseUsdError {
    /// Not of the form `12.5`.
    #[error("`{0}` is not a decimal amount")]
    NotDecimal(String),
    /// Finer than a nano-dollar.
    #[error("`{0}` has more than nine decimal places")]
    TooPrecise(String),
    /// More than 9.2 billion dollars.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Reads an exact decimal such as `12`, `-0.5` or `0.000000001`; never by way of a float.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, FRACTION_DIGITS).map(Self)
    }
}

/// Reads a decimal as an integer scaled by ten to the power of `places`, exactly or not at all.
/// The exponent form that JSON writers use for small numbers (`1e-7`) is understood.
pub(crate) fn parse_scaled(text: &str, places: usize) -> Result<i64, ParseUsdError> {
    let scaled = parse_scaled_wide(text, places)?;
    i64::try_from(scaled).map_err(|_error| ParseUsdError::TooLarge(text.to_owned()))
}

/// The same for figures that are finer or larger than ours.
pub(crate) fn parse_scaled_wide(text: &str, places: usize) -> Result<i128, ParseUsdError> {
    let not_decimal = || ParseUsdError::NotDecimal(text.to_owned());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.parse::<i32>().map_err(|_error| not_decimal())?,
        ),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !numeric(whole) || !numeric(fraction) {
        return Err(not_decimal());
    }
    let significant: String = [whole, fraction].concat();
    let places = i32::try_from(places).unwrap_or(i32::MAX);
    let fraction_digits = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let shift = places
        .saturating_add(exponent)
        .saturating_sub(fraction_digits);
    let scaled = shift_decimal(&significant, shift).map_err(|problem| match problem {
        Shift::TooPrecise => ParseUsdError::TooPrecise(text.to_owned()),
        Shift::TooLarge => ParseUsdError::TooLarge(text.to_owned()),
    })?;
    Ok(if negative {
        scaled.saturating_neg()
    } else {
        scaled
    })
}

enum Shift {
    TooPrecise,
    TooLarge,
}

/// `digits` times ten to the power of `shift`, if that is a whole number that fits.
fn shift_decimal(digits: &str, shift: i32) -> Result<i128, Shift> {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    if shift < 0 {
        let dropped = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX);
        let kept = digits.len().checked_sub(dropped).ok_or(Shift::TooPrecise)?;
        let (kept, dropped) = digits.split_at_checked(kept).ok_or(Shift::TooPrecise)?;
        if dropped.bytes().any(|byte| byte != b'0') {
            return Err(Shift::TooPrecise);
        }
        return kept.parse().map_err(|_error| Shift::TooLarge);
    }
    let value: i128 = digits.parse().map_err(|_error| Shift::TooLarge)?;
    let factor = 10_i128
        .checked_pow(shift.unsigned_abs())
        .ok_or(Shift::TooLarge)?;
    value.checked_mul(factor).ok_or(Shift::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_exact_decimals_without_trailing_zeros() {
        for (nanos, printed) in [
            (0, "0"),
            (1, "0.000000001"),
            (7_500_000, "0.0075"),
            (-1_500_000_000, "-1.5"),
            (12_000_000_000, "12"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(Usd::from_nanos(nanos).to_string(), printed);
        }
    }

    #[test]
    fn reads_the_exponent_form_of_json_numbers() {
        assert_eq!("1e-7".parse(), Ok(Usd::from_nanos(100)));
        assert_eq!("2.5E3".parse(), Ok(Usd::from_nanos(2_500_000_000_000)));
    }

    #[test]
    fn refuses_what_is_not_an_exact_amount() {
        for text in [
            "", ".", "-", "1.2.3", "NaN", "inf", "1,5", " 1", "0x1", "1e", "--1", "+1",
        ] {
            assert!(
                matches!(text.parse::<Usd>(), Err(ParseUsdError::NotDecimal(_))),
                "`{text}` was read as money"
            );
        }
        assert!(matches!(
            "0.0000000001".parse::<Usd>(),
            Err(ParseUsdError::TooPrecise(_))
        ));
        assert!(matches!(
            "9223372037".parse::<Usd>(),
            Err(ParseUsdError::TooLarge(_))
        ));
        assert!(matches!(
            "1e30".parse::<Usd>(),
            Err(ParseUsdError::TooLarge(_))
        ));
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(nanos in (i64::MIN + 1)..=i64::MAX) {
            let amount = Usd::from_nanos(nanos);
            prop_assert_eq!(amount.to_string().parse::<Usd>(), Ok(amount));
        }

        #[test]
        fn rounding_up_never_loses_and_never_adds_a_nano_dollar(picos in 0_i128..=i128::from(i64::MAX)) {
            let charged = i128::from(Usd::from_picos_rounded_up(picos).nanos()) * 1_000;
            prop_assert!(charged >= picos && charged < picos + 1_000);
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = text.parse::<Usd>();
        }
    }
}
