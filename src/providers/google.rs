//! Google's dialect: the Gemini API.

pub(crate) mod answer;
pub(crate) mod cache;
pub(crate) mod ending;
pub(crate) mod request;
