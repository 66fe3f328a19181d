//! `OpenAI`'s dialect: chat completions, responses, completions, embeddings and moderations.

pub(crate) mod answer;
pub(crate) mod chunk;
pub(crate) mod draft;
pub(crate) mod ending;
mod glance;
mod usage;
pub(crate) mod realtime;
pub(crate) mod request;
