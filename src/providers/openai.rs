//! `OpenAI`'s dialect: chat completions, responses, completions, embeddings and moderations.

pub(crate) mod answer;
pub(crate) mod request;
