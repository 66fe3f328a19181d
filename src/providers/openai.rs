//! `OpenAI`'s dialect: chat completions, responses, completions, embeddings and moderations.

pub(crate) mod answer;
pub(crate) mod chunk;
mod glance;
mod usage;
pub(crate) mod request;
