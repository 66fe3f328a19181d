//! Amounts and shares as JSON shows them: exact decimals, as text or as numbers, never by way of a
//! float.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::money::Usd;
use crate::domain::tag::Weight;

/// An amount as text: `"2.5"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsdText(pub(super) Usd);

impl Serialize for UsdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An amount as a number: `2.5`, with all its digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsdNumber(pub(super) Usd);

impl Serialize for UsdNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.to_string(), serializer)
    }
}

/// A weight as a number: `0.5`, with all its digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeightNumber(pub(super) Weight);

impl Serialize for WeightNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.to_string(), serializer)
    }
}

/// A part of a whole in percent, rounded to one decimal: `33.3`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percentage {
    tenths: i128,
}

impl Percentage {
    /// What part of a limit is spent. Where nothing may be spent, all of it is.
    pub(super) fn of_limit(spent: Usd, limit: Usd) -> Self {
        if limit == Usd::ZERO {
            return Self::of(Usd::MAX, Usd::MAX);
        }
        Self::of(spent, limit)
    }

    /// What part of `whole` an amount is; nothing of nothing is nothing.
    pub(super) fn of(part: Usd, whole: Usd) -> Self {
        const TENTHS: i128 = 1_000;
        let whole = i128::from(whole.nanos());
        let half = whole / 2;
        let scaled = i128::from(part.nanos()) * TENTHS + half;
        Self {
            tenths: scaled.checked_div(whole).unwrap_or_default(),
        }
    }
}

impl Serialize for Percentage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, tenth) = (self.tenths / 10, self.tenths % 10);
        let text = if tenth == 0 {
            whole.to_string()
        } else {
            format!("{whole}.{tenth}")
        };
        number(text, serializer)
    }
}

fn number<S: Serializer>(text: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(text)
        .map_err(S::Error::custom)?
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_all_digits_of_an_amount() {
        let amount = Usd::from_nanos(9_007_199_254_740_993);
        let shown = serde_json::to_string(&(UsdNumber(amount), UsdText(amount))).unwrap();
        assert_eq!(shown, r#"[9007199.254740993,"9007199.254740993"]"#);
    }

    #[test]
    fn shares_are_rounded_to_the_nearest_tenth() {
        let shown = |part, whole| {
            let share = Percentage::of(Usd::from_nanos(part), Usd::from_nanos(whole));
            serde_json::to_string(&share).unwrap()
        };
        for (part, whole, expected) in [
            (1, 3, "33.3"),
            (2, 3, "66.7"),
            (3, 3, "100"),
            (0, 0, "0"),
            (1, 2_000, "0.1"),
            (i64::MAX, i64::MAX, "100"),
        ] {
            assert_eq!(shown(part, whole), expected);
        }
    }
}
