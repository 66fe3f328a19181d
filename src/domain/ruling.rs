//! What a policy decided on a request, as the ledger keeps it: by which rules, in which decision, and what
//! they changed. What a rule is, and how it is asked, is not known here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::id::{ModelName, RequestId};

const HASH_BYTES: usize = 32;

/// Tells the rules that decided from all others: a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RulesHash([u8; HASH_BYTES]);

impl RulesHash {
    /// A hash as stores keep it.
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl fmt::Display for RulesHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// One decision of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// By which rules.
    pub rules: RulesHash,
    /// Its id: that of the request on which the rules were asked. A later try of one whose model they
    /// chose is not decided on again.
    pub decision: RequestId,
    /// What they changed in the request.
    pub effects: AppliedEffects,
}

/// What became of a request by its policy. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedEffects {
    /// The most output tokens that it was allowed, where it could have had more.
    pub max_output_tokens: Option<u64>,
    /// The model that was asked instead of the one that it named.
    pub model: Option<ModelName>,
    /// The policy failed like this, and the settings let such requests pass.
    pub failed_open: Option<PolicyFailure>,
}

/// How a policy can fail to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyFailure {
    /// A rule failed.
    Error,
    /// It did not decide in time.
    Timeout,
    /// Too many decisions were under way.
    Busy,
}

impl PolicyFailure {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Error, Self::Timeout, Self::Busy];

    /// The name in the ledger, in metrics and, after `on_`, in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
        }
    }
}

/// As a column of the ledger has it: members that are not there are left out.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_open: Option<PolicyFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
}

/// Writes effects as a ledger row keeps them: as a JSON object, or not at all where there are none.
pub fn print_effects(effects: &AppliedEffects) -> Option<String> {
    if *effects == AppliedEffects::default() {
        return None;
    }
    let written = Written {
        failed_open: effects.failed_open,
        max_output_tokens: effects.max_output_tokens,
        model: effects
            .model
            .as_ref()
            .map(|model| Cow::Borrowed(model.as_str())),
    };
    serde_json::to_string(&written).ok()
}

/// Reads what [`print_effects`] writes; what a later version adds is passed over.
pub fn parse_effects(text: &str) -> Option<AppliedEffects> {
    // A list would be read as the members in their order.
    let object = Some(text).filter(|text| text.starts_with('{'))?;
    let written: Written<'_> = serde_json::from_str(object).ok()?;
    Some(AppliedEffects {
        max_output_tokens: written.max_output_tokens,
        model: written.model.map(|model| ModelName::new(&model)),
        failed_open: written.failed_open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_they_were_written() {
        let all = AppliedEffects {
            max_output_tokens: Some(u64::MAX),
            model: Some(ModelName::new("a \"quoted\"\0 name")),
            failed_open: Some(PolicyFailure::Timeout),
        };
        let capped = AppliedEffects {
            max_output_tokens: Some(100),
            ..AppliedEffects::default()
        };
        for effects in [&all, &capped] {
            let text = print_effects(effects).unwrap();
            assert_eq!(parse_effects(&text).as_ref(), Some(effects), "{text}");
        }
        let text = print_effects(&capped).unwrap();
        assert_eq!(text, r#"{"max_output_tokens":100}"#);
        assert_eq!(print_effects(&AppliedEffects::default()), None);
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_nonsense_is_not() {
        let known = parse_effects(r#"{"colour":"red","model":"x"}"#).unwrap();
        assert_eq!(known.model, Some(ModelName::new("x")));
        for text in ["", "[]", r#"{"failed_open":"sometimes"}"#] {
            assert_eq!(parse_effects(text), None, "{text}");
        }
    }
}
