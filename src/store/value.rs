//! The values that go into statements and come out of rows: the few types that both databases have.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::id::{
    AlertId, ApiKeyId, BudgetId, BundleVersion, ModelName, PriceId, ProviderName, RuleId, TagId,
    TenantId, UserId,
};
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::store::error::StoreError;

/// One value of a statement or a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number, a flag, an amount or an instant.
    Int(i64),
    /// Text without NUL characters, which Postgres cannot keep.
    Text(Cow<'static, str>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<u64> for Value {
    /// Counts beyond what databases can keep stop at the largest that they can.
    fn from(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<&str> for Value {
    /// One NUL from a caller must not keep a whole batch out of the ledger, so it is replaced.
    fn from(text: &str) -> Self {
        if text.contains('\0') {
            return Self::Text(Cow::Owned(text.replace('\0', "\u{fffd}")));
        }
        Self::Text(Cow::Owned(text.to_owned()))
    }
}

impl From<&Cow<'static, str>> for Value {
    /// Words of the program are not copied.
    fn from(text: &Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(word) => Self::Text(Cow::Borrowed(word)),
            Cow::Owned(text) => Self::from(text.as_str()),
        }
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&ModelName> for Value {
    fn from(name: &ModelName) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&ProviderName> for Value {
    fn from(name: &ProviderName) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Usd> for Value {
    fn from(amount: Usd) -> Self {
        Self::Int(amount.nanos())
    }
}

impl From<UtcMicros> for Value {
    fn from(instant: UtcMicros) -> Self {
        Self::Int(instant.get())
    }
}

macro_rules! from_row_id {
    ($($id:ident),*) => {
        $(impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Int(id.0)
            }
        })*
    };
}

from_row_id!(
    AlertId,
    TenantId,
    ApiKeyId,
    BudgetId,
    BundleVersion,
    TagId,
    RuleId,
    PriceId,
    UserId
);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, each converted to a [`Value`].
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::value::Value::from($value)),*]
    };
}
pub(in crate::store) use params;

/// The same as a list, for rows that are handed on.
macro_rules! row_params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::store::value::Value::from($value)),*]
    };
}
pub(in crate::store) use row_params;

/// One row of an answer; columns are found by name.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row as a driver read it, with as many values as columns.
    pub(in crate::store) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Every column and its value.
    pub(in crate::store) fn named_values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns.iter().map(String::as_str).zip(&self.values)
    }

    /// The names of the columns.
    pub(in crate::store) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values, in the order of the columns.
    pub(in crate::store) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whatever a column has.
    pub(in crate::store) fn any(&self, column: &'static str) -> Result<&Value, StoreError> {
        self.value(column)
    }

    fn value(&self, column: &'static str) -> Result<&Value, StoreError> {
        self.columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| StoreError::corrupt(column))
    }

    /// A number, or nothing.
    pub fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            Value::Text(_) | Value::Bytes(_) => Err(StoreError::corrupt(column)),
        }
    }

    /// A number.
    pub fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.maybe_int(column)?
            .ok_or_else(|| StoreError::corrupt(column))
    }

    /// A number of some narrower type, or nothing.
    pub fn maybe_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_int(column)?
            .map(|number| T::try_from(number).map_err(|_error| StoreError::corrupt(column)))
            .transpose()
    }

    /// A number of some narrower type.
    pub fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.maybe_number(column)?
            .ok_or_else(|| StoreError::corrupt(column))
    }

    /// A flag.
    pub fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.int(column).map(|flag| flag != 0)
    }

    /// An amount of money.
    pub fn usd(&self, column: &'static str) -> Result<Usd, StoreError> {
        self.int(column).map(Usd::from_nanos)
    }

    /// An instant.
    pub fn instant(&self, column: &'static str) -> Result<UtcMicros, StoreError> {
        self.int(column).map(UtcMicros::new)
    }

    /// Text, or nothing.
    pub fn maybe_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Int(_) | Value::Bytes(_) => Err(StoreError::corrupt(column)),
        }
    }

    /// Text.
    pub fn text(&self, column: &'static str) -> Result<&str, StoreError> {
        self.maybe_text(column)?
            .ok_or_else(|| StoreError::corrupt(column))
    }

    /// Text that names one of a closed set.
    pub fn named<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(self.text(column)?).ok_or_else(|| StoreError::corrupt(column))
    }

    /// Bytes of any length, or nothing.
    pub fn maybe_blob(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Int(_) | Value::Text(_) => Err(StoreError::corrupt(column)),
        }
    }

    /// Bytes of a known length.
    pub fn bytes<const LENGTH: usize>(
        &self,
        column: &'static str,
    ) -> Result<[u8; LENGTH], StoreError> {
        self.maybe_bytes(column)?
            .ok_or_else(|| StoreError::corrupt(column))
    }

    /// Bytes of a fixed number, or nothing.
    pub fn maybe_bytes<const LENGTH: usize>(
        &self,
        column: &'static str,
    ) -> Result<Option<[u8; LENGTH]>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => bytes
                .as_slice()
                .try_into()
                .map(Some)
                .map_err(|_error| StoreError::corrupt(column)),
            Value::Int(_) | Value::Text(_) => Err(StoreError::corrupt(column)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Value) -> Row {
        Row::new(Arc::from(["column".to_owned()]), vec![value])
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_not_a_default() {
        assert!(row(Value::Null).int("column").is_err());
        assert!(row(Value::from("1")).int("column").is_err());
        assert!(row(Value::from(-1_i64)).number::<u64>("column").is_err());
        assert!(
            row(Value::from(70_000_u32))
                .number::<u16>("column")
                .is_err()
        );
        assert!(row(Value::from(&[1_u8][..])).bytes::<2>("column").is_err());
        assert!(row(Value::Null).int("other").is_err());
    }

    #[test]
    fn text_never_holds_a_nul() {
        assert_eq!(Value::from("a\0b"), Value::Text("a\u{fffd}b".into()));
    }
}
