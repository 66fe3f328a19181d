//! How ids, amounts and names look in JSON, for the document. The types themselves know nothing of it.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::admin::figures::{Percentage, UsdNumber, UsdText, WeightNumber};
use crate::domain::alert::{Percent, THRESHOLDS_MAX};
use crate::domain::budget::shadow::Mode;
use crate::domain::filter::PATTERNS_MAX;
use crate::domain::health::Health;
use crate::domain::id::{
    AlertId, ApiKeyId, BudgetId, BundleVersion, ModelName, PriceId, ProviderName, RuleId, TagId,
    TenantId, UserId,
};
use crate::domain::ledger::Status;
use crate::domain::ledger::export::Format;
use crate::domain::pricing::Tier;
use crate::domain::ruling::PolicyFailure;
use crate::domain::stamp::Actor;
use crate::domain::usage::{Basis, RateKind};
use crate::domain::user::Role;
use crate::domain::window::PERIOD_NAMES;
use crate::providers::Dialect;
use crate::settings::shown::Layer;
use crate::store::breakdown::Dimension;
use crate::store::order::{Order, Sort};

/// A decimal as text, with blanks around it at most; what is empty is nothing.
const DECIMAL: &str = r"^\s*(([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)?\s*$";
/// Dollars that an amount can be.
const AMOUNT_MAX: i64 = 9_223_372_036;
/// Dollars per million units that a rate can be.
const RATE_MAX: i64 = 9_223_372_036_854;
const WEIGHT_MAX: i64 = 10;
const PATTERN_LENGTH_MAX: usize = 200;

macro_rules! schemas {
    ($($name:ident => $schema:expr;)*) => { $(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::from($schema))
            }
        }

        impl ToSchema for $name {}
    )* };
}

/// What stands for a schema and never for a value.
macro_rules! only_schemas {
    ($($(#[$doc:meta])* $name:ident => $schema:expr;)*) => {
        $($(#[$doc])* #[derive(Debug)] pub(in crate::admin) enum $name {})*
        schemas! { $($name => $schema;)* }
    };
}

schemas! {
    TenantId => id("A tenant.");
    ApiKeyId => id("An API key.");
    BudgetId => id("A budget.");
    TagId => id("A tag.");
    RuleId => id("A tagging rule.");
    BundleVersion => id("A version of a tenant's policy: they count from one.");
    AlertId => id("An alert.");
    UserId => id("A user of the admin API.");
    Role => one_of(&Role::ALL.map(Role::as_str));
    PriceId => id("One version of one model's prices.");
    ModelName => text("The name of a model, as callers and price lists write it.");
    ProviderName => text("Who runs a model and sends the bill.");
    Percent => ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(usize::from(Percent::MAX)))
        .description(Some("A part of a limit, in percent."));
    UsdText => text("An exact amount in dollars, as text.")
        .pattern(Some(r"^-?[0-9]+(\.[0-9]{1,9})?$"));
    UsdNumber => number("An exact amount in dollars.");
    WeightNumber => number("A part of what a request costs: 1 is all of it.");
    Percentage => number("A part of a whole in percent, rounded to one decimal.");
}

only_schemas! {
    /// An amount in a body.
    Amount => decimal("Dollars, with at most nine decimal places.", AMOUNT_MAX);
    /// A rate in a body.
    PriceRate => decimal("Dollars per million units, with at most six decimal places.", RATE_MAX);
    /// A weight in a body.
    WeightAsked => decimal("From 0 to 10, with at most six decimal places.", WEIGHT_MAX);
    /// A limit of requests, tokens or connections.
    RateLimit => whole("0 is unlimited.", 1_000_000_000);
    /// A number of tokens.
    Tokens => whole("A number of tokens.", 1_000_000_000);
    /// The place of a rule among others.
    Priority => whole("Rules with a larger one come first.", 1_000_000);
    /// An id in a body.
    IdAsked => whole("The id of something that the tenant has.", i64::MAX);
    /// Alert thresholds as bodies give them.
    ThresholdsAsked => thresholds();
    /// Patterns of names.
    PatternsAsked => ArrayBuilder::new()
        .items(text("`*` stands for any characters and `?` for one.")
            .min_length(Some(1))
            .max_length(Some(PATTERN_LENGTH_MAX))
            .pattern(Some(r"^[!-+\--Z^-z|~]+$")))
        .max_items(Some(PATTERNS_MAX));
    /// The name of a period.
    PeriodName => one_of(&PERIOD_NAMES);
    /// What a budget does: refuse, or only count.
    EnforcementName => one_of(&[Mode::Enforced, Mode::Shadow].map(Mode::as_str));
    /// The name of an inheritance mode.
    InheritanceMode => one_of(&["STRICT", "LENIENT", "BYPASS"]);
    /// The name of an inheritance mode in a body.
    InheritanceAsked => one_of(&["STRICT", "LENIENT", "BYPASS", "NONE"]);
    /// How a request ended.
    RequestStatus => one_of(&Status::ALL.map(Status::as_str));
    /// How sure a charge is.
    ChargeBasis => one_of(&Basis::ALL.map(Basis::as_str));
    /// How the policy failed.
    PolicyFailureName => one_of(&PolicyFailure::ALL.map(PolicyFailure::as_str));
    /// A tier of a provider.
    TierName => one_of(&Tier::ALL.map(Tier::as_str));
    /// What a rate is for.
    RateKindName => one_of(&RateKind::ALL.map(RateKind::as_str));
    /// A provider whose API is spoken here.
    KnownProvider => one_of(&Dialect::ALL.map(Dialect::as_str));
    /// Where a session stands.
    SessionStatus => one_of(&["active", "budget_exceeded", "completed", "error"]);
    /// How far an alert is.
    DeliveryState => one_of(&["delivered", "pending", "given_up", "none"]);
    /// Whose spending is limited.
    ScopeName => one_of(&["installation", "tenant", "key", "tag", "session"]);
    /// Who does something.
    ActorKind => one_of(&Actor::KINDS);
    /// How a file is written.
    FileFormat => one_of(&Format::ALL.map(Format::as_str));
    /// How a budget stands: of its limit less than 75 percent is spent, less than 90, less than all, or all.
    HealthName => one_of(&Health::ALL.map(Health::as_str));
    /// What requests can be told apart by.
    DimensionName => one_of(&Dimension::ALL.map(Dimension::as_str));
    /// What rows are in the order of.
    SortName => one_of(&Sort::ALL.map(Sort::as_str));
    /// Whether the least comes first, or the largest.
    OrderName => one_of(&Order::ALL.map(Order::as_str));
    /// Whether a row is what was hashed when it was written.
    ChainState => one_of(&["intact", "altered", "unknown"]);
    /// What something is kept for.
    StoreRole => one_of(&["ledger", "budgets", "queue"]);
    /// What keeps it.
    StoreKind => one_of(&["sqlite", "postgres", "memory", "redis"]);
    /// How a provider does.
    ProviderState => one_of(&["unknown", "reachable", "failing", "left_alone"]);
    /// Where a setting comes from.
    SettingSource => one_of(&Layer::ALL.map(Layer::as_str));
    /// A flag in a query string.
    FlagAsked => one_of(&["true", "false", "1", "0"]);
}

/// The one form of all errors.
#[derive(Debug)]
pub(in crate::admin) enum ErrorBody {}

schemas! {
    ErrorBody => ObjectBuilder::new()
        .property("error", text("What is wrong, in words for people."))
        .required("error")
        .description(Some("Why a request failed."));
}

fn id(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1))
        .maximum(Some(i64::MAX))
        .examples([1])
        .description(Some(description))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
}

fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some(description))
}

fn one_of(names: &[&'static str]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names.iter().copied()))
}

/// A number, or a text that has one.
fn decimal(description: &str, most: i64) -> OneOfBuilder {
    let as_number = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0))
        .maximum(Some(most));
    let as_text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(DECIMAL));
    OneOfBuilder::new()
        .item(as_number)
        .item(as_text)
        .description(Some(description))
}

/// A whole number, or a text that has one.
fn whole(description: &str, most: i64) -> OneOfBuilder {
    let as_number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(most));
    let as_text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^\s*[0-9]*\s*$"));
    OneOfBuilder::new()
        .item(as_number)
        .item(as_text)
        .description(Some(description))
}

fn thresholds() -> OneOfBuilder {
    let list = ArrayBuilder::new()
        .items(Percent::schema())
        .max_items(Some(THRESHOLDS_MAX));
    let named = ObjectBuilder::new()
        .additional_properties(Some(Percent::schema()))
        .max_properties(Some(THRESHOLDS_MAX));
    OneOfBuilder::new().item(list).item(named).description(Some(
        "At which percents of the limit an alert is raised: a list, or each with a name.",
    ))
}
