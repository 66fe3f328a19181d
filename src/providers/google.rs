//! Google's dialect: the Gemini API.

pub(crate) mod answer;
pub(crate) mod request;
