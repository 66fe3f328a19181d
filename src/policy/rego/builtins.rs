//! Every builtin that rules may call, how large its result can become, and whether a call is sure to be quick.

use regorus::Value;

use crate::policy::rego::guard::{self, Call, Place, VALUE_BYTES};

/// One builtin.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Builtin {
    /// Calls it within bounds.
    pub(super) call: Call,
    /// Whether its time is proportional to its arguments and its result.
    pub(in crate::policy) is_quick: bool,
    /// Whether its result is no collection and no longer than its arguments.
    pub(super) is_small: bool,
    /// Whether it answers differently to the same arguments.
    pub(in crate::policy) is_impure: bool,
}

/// How large a result can become.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// A number, a flag.
    Scalar,
    /// So many times the arguments.
    Times(usize),
    /// The product of two texts or collections: what is put in, as often as there is room for it.
    Filled { places: usize, filling: usize },
    /// `sprintf`: a format can ask for a width.
    Format,
    /// `numbers.range`, by the third argument or by one.
    Range,
    /// `bits.lsh`.
    Shift,
    /// `net.cidr_expand`.
    Addresses,
    /// Each place in each other.
    Square,
    /// Every way through a graph.
    Paths,
}

impl Bound {
    /// For arguments that are so large.
    pub(super) fn of(self, size: usize, arguments: &[Value]) -> usize {
        let text = |place: usize| {
            let text = arguments
                .get(place)
                .and_then(|value| value.as_string().ok());
            text.map_or("", |text| text.as_ref())
        };
        let size_of =
            |place: usize| guard::size_of_all(arguments.get(place), guard::ARGUMENTS_BYTES_MAX);
        match self {
            Self::Scalar => VALUE_BYTES,
            Self::Times(factor) => size.saturating_mul(factor),
            Self::Filled { places, filling } => {
                // A text of n letters has n + 1 places; a collection counts more than its members.
                let fill = size_of(filling).saturating_sub(VALUE_BYTES);
                size.saturating_add(size_of(places).saturating_mul(fill))
            }
            Self::Format => {
                let widths = text(0).split(|letter: char| !letter.is_ascii_digit());
                let widths = widths
                    .filter(|digits| !digits.is_empty())
                    .map(|digits| digits.parse().unwrap_or(usize::MAX));
                let widest = widths.fold(0, usize::saturating_add);
                size.saturating_mul(8).saturating_add(widest)
            }
            Self::Range => range(arguments).saturating_mul(VALUE_BYTES),
            Self::Shift => {
                let shift = arguments.get(1).and_then(|value| value.as_u64().ok());
                usize::try_from(shift.unwrap_or_default()).unwrap_or(usize::MAX)
            }
            Self::Addresses => addresses(text(0)).saturating_mul(64),
            Self::Square => size.saturating_mul(size / VALUE_BYTES),
            Self::Paths => {
                let values = u32::try_from(size / VALUE_BYTES).unwrap_or(u32::MAX);
                1_usize.checked_shl(values).unwrap_or(usize::MAX)
            }
        }
    }
}

/// How many numbers are in a range.
fn range(arguments: &[Value]) -> usize {
    let number = |place: usize| {
        let number = arguments.get(place).and_then(|value| value.as_i64().ok());
        number.unwrap_or(i64::MAX)
    };
    let step = if arguments.len() > 2 { number(2) } else { 1 };
    let length = number(0).abs_diff(number(1)) / step.unsigned_abs().max(1);
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// How many addresses are in a network.
fn addresses(network: &str) -> usize {
    let Some((address, prefix)) = network.split_once('/') else {
        return 1;
    };
    let bits: u32 = if address.contains(':') { 128 } else { 32 };
    let prefix = prefix.parse().unwrap_or(0);
    let host = bits.saturating_sub(prefix);
    1_usize.checked_shl(host).unwrap_or(usize::MAX)
}

const SCALAR: Bound = Bound::Scalar;
const SAME: Bound = Bound::Times(2);
/// Each byte can become a code of several.
const CODED: Bound = Bound::Times(8);
/// Each byte can become a value.
const PARTS: Bound = Bound::Times(VALUE_BYTES * 2);

const fn is_small(bound: Bound) -> bool {
    matches!(bound, Bound::Scalar)
}

/// `quick` where a call takes time in proportion to what it gets and gives, `slow` where it may take more,
/// `impure` where it is quick and answers differently each time. The bound is that of the result.
macro_rules! builtins {
    ($($kind:ident $name:literal $bound:expr;)*) => {
        /// The builtin of a name.
        pub(in crate::policy) fn find(name: &str) -> Option<Builtin> {
            match name {
                $($name => Some(Builtin {
                    call: |span, expressions, arguments, is_strict| {
                        let place = Place { span, expressions, is_strict };
                        guard::call($name, $bound, &place, arguments)
                    },
                    is_quick: !matches!(stringify!($kind).as_bytes(), b"slow"),
                    is_small: is_small($bound),
                    is_impure: matches!(stringify!($kind).as_bytes(), b"impure"),
                }),)*
                _ => None,
            }
        }
    };
}

builtins! {
    quick "count" SCALAR; quick "max" SAME; quick "min" SAME; quick "sort" SAME; quick "sum" SCALAR;
    slow "product" Bound::Square;
    quick "array.concat" SAME; quick "array.reverse" SAME; quick "array.slice" SAME;
    quick "bits.and" SAME; quick "bits.or" SAME; quick "bits.xor" SAME; quick "bits.negate" SAME;
    quick "bits.lsh" Bound::Shift; quick "bits.rsh" SAME;
    slow "to_number" SAME;
    quick "base64.decode" SAME; quick "base64.encode" SAME; quick "base64.is_valid" SCALAR;
    quick "base64url.decode" SAME; quick "base64url.encode" SAME; quick "base64url.encode_no_pad" SAME;
    quick "hex.decode" SAME; quick "hex.encode" SAME;
    quick "urlquery.decode" SAME; quick "urlquery.decode_object" PARTS;
    quick "urlquery.encode" CODED; quick "urlquery.encode_object" CODED;
    slow "json.is_valid" SCALAR; slow "json.marshal" CODED; slow "json.unmarshal" PARTS;
    slow "json.marshal_with_options" Bound::Square; slow "json.filter" SAME; slow "json.remove" SAME;
    slow "yaml.is_valid" SCALAR; slow "yaml.marshal" Bound::Square; slow "yaml.unmarshal" PARTS;
    slow "glob.match" SCALAR; quick "glob.quote_meta" SAME;
    slow "graph.reachable" SAME; slow "graph.reachable_paths" Bound::Paths; slow "walk" Bound::Square;
    quick "net.cidr_is_valid" SCALAR; quick "net.cidr_contains" SCALAR;
    slow "net.cidr_expand" Bound::Addresses;
    quick "abs" SAME; quick "ceil" SAME; quick "floor" SAME; quick "round" SAME;
    quick "numbers.range" Bound::Range; quick "numbers.range_step" Bound::Range;
    impure "rand.intn" SCALAR;
    slow "object.filter" SAME; quick "object.get" SAME; quick "object.keys" SAME;
    slow "object.remove" SAME; slow "object.subset" SCALAR;
    quick "object.union" SAME; quick "object.union_n" SAME;
    slow "regex.find_n" PARTS; slow "regex.find_all_string_submatch_n" PARTS; slow "regex.globs_match" SCALAR; slow "regex.is_valid" SCALAR;
    slow "regex.match" SCALAR; slow "regex.split" PARTS; slow "regex.template_match" SCALAR;
    slow "regex.replace" Bound::Filled { places: 0, filling: 2 };
    quick "semver.compare" SCALAR; quick "semver.is_valid" SCALAR;
    quick "intersection" SAME; quick "union" SAME;
    quick "__builtin_sets.union" SAME; quick "__builtin_sets.intersection" SAME;
    quick "concat" Bound::Filled { places: 1, filling: 0 };
    quick "contains" SCALAR; quick "endswith" SCALAR; quick "startswith" SCALAR;
    quick "format_int" CODED; slow "indexof" SCALAR; slow "indexof_n" PARTS;
    quick "lower" Bound::Times(4); quick "upper" Bound::Times(4);
    quick "replace" Bound::Filled { places: 0, filling: 2 };
    slow "strings.replace_n" Bound::Filled { places: 1, filling: 0 };
    quick "split" PARTS; quick "sprintf" Bound::Format; quick "substring" SAME;
    slow "strings.any_prefix_match" SCALAR; slow "strings.any_suffix_match" SCALAR;
    quick "strings.count" SCALAR; quick "strings.reverse" SAME;
    slow "trim" SAME; slow "trim_left" SAME; slow "trim_right" SAME;
    quick "trim_prefix" SAME; quick "trim_suffix" SAME; quick "trim_space" SAME;
    quick "time.add_date" SCALAR; quick "time.clock" CODED; quick "time.date" CODED;
    quick "time.diff" CODED; slow "time.format" CODED; impure "time.now_ns" SCALAR;
    quick "time.parse_duration_ns" SCALAR; slow "time.parse_ns" SCALAR;
    quick "time.parse_rfc3339_ns" SCALAR; quick "time.weekday" CODED;
    quick "trace" SCALAR;
    quick "is_array" SCALAR; quick "is_boolean" SCALAR; quick "is_null" SCALAR;
    quick "is_number" SCALAR; quick "is_object" SCALAR; quick "is_set" SCALAR;
    quick "is_string" SCALAR; quick "type_name" SCALAR;
    quick "units.parse" SCALAR; quick "units.parse_bytes" SCALAR;
    quick "uuid.parse" CODED; impure "uuid.rfc4122" SCALAR;
}

#[cfg(test)]
mod tests {
    use regorus::unstable::BUILTINS;

    use super::*;

    #[test]
    fn every_builtin_of_the_engine_has_a_bound() {
        let mut missing: Vec<&str> = BUILTINS.keys().copied().collect();
        missing.retain(|name| find(name).is_none());
        assert!(missing.is_empty(), "{missing:?}");
    }
}
