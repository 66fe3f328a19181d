//! Anthropic's dialect: messages.

pub(crate) mod answer;
pub(crate) mod ending;
pub(crate) mod request;
