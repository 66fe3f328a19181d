//! Tags: labels of a tenant's requests, in trees. What is spent under a tag is spent under all of
//! its ancestors.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::domain::id::TagId;
use crate::domain::money::{ParseUsdError, Usd, parse_scaled};

/// The most tags from a root down to a leaf.
pub const DEPTH_MAX: usize = 32;
/// The most tags that one request may name.
pub const TAGS_PER_REQUEST_MAX: usize = 32;
const WEIGHT_DIGITS: usize = 6;

/// How much of a charge counts, in millionths: 1 is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(u32);

impl Weight {
    /// All of it, once.
    pub const ONE: Self = Self(Self::UNIT);
    /// The most: tenfold.
    pub const MAX: Self = Self(Self::UNIT.saturating_mul(10));
    const UNIT: u32 = 1_000_000;

    /// A weight from whole millionths, as stores keep it; at most [`Weight::MAX`].
    pub fn from_millionths(millionths: u32) -> Option<Self> {
        let weight = Self(millionths);
        (weight <= Self::MAX).then_some(weight)
    }

    /// The weight in whole millionths.
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// Both one after the other, rounded up.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = u64::from(self.0).saturating_mul(u64::from(other.0));
        let millionths = product.div_ceil(u64::from(Self::UNIT));
        Self(u32::try_from(millionths).unwrap_or(u32::MAX))
    }

    /// What counts of an amount, rounded up.
    #[must_use]
    pub fn of(self, amount: Usd) -> Usd {
        if self == Self::ONE {
            return amount;
        }
        let product = i128::from(amount.nanos()).saturating_mul(i128::from(self.0));
        let unit = i128::from(Self::UNIT);
        let rounded_up = product.saturating_add(unit.saturating_sub(1));
        let nanos = rounded_up.checked_div_euclid(unit).unwrap_or_default();
        Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// The largest amount of which no more than `room` counts.
    #[must_use]
    pub fn fits(self, room: Usd) -> Usd {
        if self == Self::ONE {
            return room;
        }
        let scaled = i128::from(room.nanos()).saturating_mul(i128::from(Self::UNIT));
        match scaled.checked_div_euclid(i128::from(self.0)) {
            Some(nanos) if nanos < 0 => Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MIN)),
            Some(nanos) => Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)),
            // Nothing of any amount counts.
            None => Usd::MAX,
        }
    }
}

impl FromStr for Weight {
    type Err = ParseUsdError;

    /// Reads an exact decimal from 0 to 10 with at most six places.
    fn from_str(text: &str) -> Result<Self, ParseUsdError> {
        let scaled = parse_scaled(text, WEIGHT_DIGITS)?;
        if scaled < 0 {
            return Err(ParseUsdError::NotDecimal(text.to_owned()));
        }
        let millionths = u32::try_from(scaled).ok().and_then(Self::from_millionths);
        millionths.ok_or_else(|| ParseUsdError::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for Weight {
    /// The exact decimal without trailing zeros.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A millionth of one is a thousand nano-dollars of a dollar.
        Usd::from_nanos(i64::from(self.0).saturating_mul(1_000)).fmt(formatter)
    }
}

/// What an ancestor's budget does to the requests of the tags below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Inheritance {
    /// It is a ceiling for them as for its own.
    Strict,
    /// It refuses them once what was settled has reached it.
    #[default]
    Lenient,
    /// It counts them and never refuses one.
    Bypass,
}

impl Inheritance {
    /// The name in the API and the stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::Lenient => "LENIENT",
            Self::Bypass => "BYPASS",
        }
    }

    /// Reads what [`Inheritance::as_str`] prints; `NONE` is another name of `BYPASS`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "STRICT" => Some(Self::Strict),
            "LENIENT" => Some(Self::Lenient),
            "BYPASS" | "NONE" => Some(Self::Bypass),
            _ => None,
        }
    }
}

/// A tag that a request counts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TagShare {
    /// The tag.
    pub tag: TagId,
    /// How much of the charge counts on it.
    pub weight: Weight,
    /// It is an ancestor of a tag that the request has, and none of its own.
    pub is_inherited: bool,
}

/// The tags of one request; most have a few.
pub type TagShares = SmallVec<[TagShare; 4]>;

/// Writes shares as a ledger row keeps them: `id:millionths`, with a `^` after inherited ones.
pub fn print_shares(shares: &[TagShare]) -> Option<String> {
    let texts = shares.iter().map(|share| {
        let mark = if share.is_inherited { "^" } else { "" };
        format!("{}:{}{mark}", share.tag, share.weight.millionths())
    });
    let text = texts.collect::<Vec<_>>().join(",");
    (!text.is_empty()).then_some(text)
}

/// Reads what [`print_shares`] writes.
pub fn parse_shares(text: &str) -> Option<TagShares> {
    let share = |part: &str| {
        let (plain, is_inherited) = match part.strip_suffix('^') {
            Some(plain) => (plain, true),
            None => (part, false),
        };
        let (tag, millionths) = plain.split_once(':')?;
        Some(TagShare {
            tag: TagId(tag.parse().ok()?),
            weight: Weight::from_millionths(millionths.parse().ok()?)?,
            is_inherited,
        })
    };
    text.split(',').map(share).collect()
}

/// A tag as decisions see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The tag.
    pub id: TagId,
    /// Its name, unique among the tenant's.
    pub name: String,
    /// What it stands under.
    pub parent: Option<TagId>,
    /// Only active tags may be named by requests; spending under them counts on inactive ancestors
    /// all the same.
    pub is_active: bool,
    /// What a session that is tagged with it may spend.
    pub session_budget: Option<Usd>,
}

/// The tags of a tenant.
#[derive(Clone, Debug, Default)]
pub struct TagTree {
    tags: HashMap<TagId, Tag>,
    active: HashMap<Arc<str>, TagId>,
    limits_sessions: bool,
}

impl TagTree {
    /// A tree of these tags.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Self {
        let tags: HashMap<_, _> = tags.into_iter().map(|tag| (tag.id, tag)).collect();
        let active = tags.values().filter(|tag| tag.is_active);
        let active = active.map(|tag| (Arc::from(&*tag.name), tag.id)).collect();
        let limits_sessions = tags.values().any(|tag| tag.session_budget.is_some());
        Self {
            tags,
            active,
            limits_sessions,
        }
    }

    /// The active tag of a name.
    pub fn named(&self, name: &str) -> Option<TagId> {
        self.active.get(name).copied()
    }

    /// A tag.
    pub fn get(&self, id: TagId) -> Option<&Tag> {
        self.tags.get(&id)
    }

    /// The names from the root down to a tag, with `/` between.
    pub fn path(&self, id: TagId) -> Option<String> {
        let mut path = self.tags.get(&id)?.name.clone();
        for ancestor in self.ancestors(id) {
            path = format!("{}/{path}", self.tags.get(&ancestor)?.name);
        }
        Some(path)
    }

    /// Everything that a request with these tags counts on: the tags and all of their ancestors,
    /// each once. Where several ways lead to a tag, the heaviest counts.
    pub fn shares(&self, own: &[(TagId, Weight)]) -> TagShares {
        let mut shares = TagShares::new();
        for (tag, weight) in own {
            merge(&mut shares, *tag, *weight, false);
            for ancestor in self.ancestors(*tag) {
                merge(&mut shares, ancestor, *weight, true);
            }
        }
        shares
    }

    /// From the parent upwards. Stores keep cycles out; a bound keeps this from following one.
    fn ancestors(&self, tag: TagId) -> impl Iterator<Item = TagId> {
        let parent = |tag: &TagId| self.tags.get(tag).and_then(|tag| tag.parent);
        std::iter::successors(parent(&tag), parent).take(DEPTH_MAX)
    }

    /// The least that a session tagged with these may spend, if one of them says.
    pub fn session_budget(&self, own: impl IntoIterator<Item = TagId>) -> Option<Usd> {
        own.into_iter()
            .filter_map(|tag| self.tags.get(&tag)?.session_budget)
            .min()
    }

    /// Whether any tag says what its sessions may spend.
    pub fn limits_sessions(&self) -> bool {
        self.limits_sessions
    }
}

fn merge(shares: &mut TagShares, tag: TagId, weight: Weight, is_inherited: bool) {
    match shares.iter_mut().find(|share| share.tag == tag) {
        Some(share) => {
            share.weight = share.weight.max(weight);
            share.is_inherited &= is_inherited;
        }
        None => shares.push(TagShare {
            tag,
            weight,
            is_inherited,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(id: i64, parent: Option<i64>) -> Tag {
        Tag {
            id: TagId(id),
            name: format!("tag-{id}"),
            parent: parent.map(TagId),
            is_active: true,
            session_budget: None,
        }
    }

    fn share(id: i64, weight: Weight, is_inherited: bool) -> TagShare {
        TagShare {
            tag: TagId(id),
            weight,
            is_inherited,
        }
    }

    #[test]
    fn weights_are_exact_decimals() {
        for (text, millionths, printed) in [
            ("1", 1_000_000, "1"),
            ("0.5", 500_000, "0.5"),
            ("1e-6", 1, "0.000001"),
            ("10.000", 10_000_000, "10"),
            ("0", 0, "0"),
        ] {
            let weight: Weight = text.parse().unwrap();
            assert_eq!(
                (weight.millionths(), &*weight.to_string()),
                (millionths, printed)
            );
        }
        for text in ["-1", "10.1", "0.0000001", "NaN", "much"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_counts_once_on_its_tags_and_all_of_their_ancestors() {
        let half: Weight = "0.5".parse().unwrap();
        let tree = TagTree::new([
            tag(1, None),
            tag(2, Some(1)),
            tag(3, Some(2)),
            tag(4, Some(1)),
        ]);
        let shares = tree.shares(&[(TagId(3), half), (TagId(4), Weight::ONE)]);
        let expected = [
            share(3, half, false),
            share(2, half, true),
            share(1, Weight::ONE, true),
            share(4, Weight::ONE, false),
        ];
        assert_eq!(&shares[..], expected);
        assert_eq!(tree.path(TagId(3)).unwrap(), "tag-1/tag-2/tag-3");
        // Its own tag, even where another of its tags stands under it.
        let shares = tree.shares(&[(TagId(3), half), (TagId(2), half)]);
        assert_eq!(shares[1], share(2, half, false));
    }

    #[test]
    fn shares_are_read_as_they_were_written() {
        let half: Weight = "0.5".parse().unwrap();
        let shares = [share(3, half, false), share(1, Weight::ONE, true)];
        let text = print_shares(&shares).unwrap();
        assert_eq!(text, "3:500000,1:1000000^");
        assert_eq!(parse_shares(&text).unwrap()[..], shares);
        assert_eq!(print_shares(&[]), None);
        for text in ["", "3", "3:x", "x:1", "3:1^^", "3:99999999"] {
            assert_eq!(parse_shares(text), None, "{text}");
        }
    }

    #[test]
    fn a_cycle_ends() {
        let tree = TagTree::new([tag(1, Some(2)), tag(2, Some(1))]);
        assert_eq!(tree.shares(&[(TagId(1), Weight::ONE)]).len(), 2);
    }

    #[test]
    fn only_active_tags_are_found_by_name_and_the_least_session_budget_holds() {
        let inactive = Tag {
            is_active: false,
            ..tag(2, None)
        };
        let limited = |id, nanos| Tag {
            session_budget: Some(Usd::from_nanos(nanos)),
            ..tag(id, None)
        };
        let tree = TagTree::new([inactive, limited(3, 7), limited(4, 5), tag(5, None)]);
        assert_eq!(tree.named("tag-2"), None);
        assert_eq!(tree.named("tag-3"), Some(TagId(3)));
        let least = |ids: &[i64]| tree.session_budget(ids.iter().map(|id| TagId(*id)));
        assert_eq!(least(&[3, 4, 5]), Some(Usd::from_nanos(5)));
        assert_eq!(least(&[5]), None);
        assert!(tree.limits_sessions() && !TagTree::new([tag(1, None)]).limits_sessions());
    }

    proptest! {
        /// What fits never counts for more than the room, and a nano-dollar more would.
        #[test]
        fn the_largest_amount_that_fits_is_found(
            millionths in 1_u32..=10_000_000, room in 0_i64..1_000_000_000_000,
        ) {
            let weight = Weight::from_millionths(millionths).unwrap();
            let fits = weight.fits(Usd::from_nanos(room));
            prop_assert!(weight.of(fits) <= Usd::from_nanos(room));
            let more = Usd::from_nanos(fits.nanos() + 1);
            prop_assert!(weight.of(more) > Usd::from_nanos(room));
        }
    }
}
