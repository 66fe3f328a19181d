//! How it is told that a rule says no, or asks for what cannot be.

use crate::domain::denial::Misfit;
use crate::gateway::reply::{Answer, NO_RETRY};
use crate::providers::errors::ErrorKind;

/// A rule says no.
pub(super) fn denied(reason: Option<&str>) -> Answer {
    let message = reason.unwrap_or("the policy does not allow this request");
    forbidden("policy_denied", message.to_owned())
}

/// A rule lets it pass only as what it is not and cannot be made.
pub(super) fn unfit(misfit: &Misfit) -> Answer {
    let message = match misfit {
        Misfit::Tags(names) => {
            let (tags, names) = (if names.len() == 1 { "tag" } else { "tags" }, quoted(names));
            format!("the policy asks for the {tags} {names} (in `x-tags`)")
        }
        Misfit::Model { model, why } => {
            format!("the policy asks for the model `{model}` instead, which cannot be asked: {why}")
        }
        Misfit::Output { most } => format!(
            "the policy allows {most} output tokens, this request may take more, and they cannot be capped"
        ),
    };
    forbidden(misfit.code(), message)
}

fn forbidden(code: &'static str, message: String) -> Answer {
    Answer {
        headers: vec![(NO_RETRY.0, NO_RETRY.1.to_owned())],
        ..Answer::new(403, ErrorKind::Permission, code, message)
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
