//! `OpenAI`'s dialect: chat completions, responses, completions, embeddings, moderations, images, speech
//! and transcripts.

pub(crate) mod answer;
pub(crate) mod audio;
pub(crate) mod chunk;
pub(crate) mod draft;
pub(crate) mod ending;
mod glance;
pub(crate) mod images;
pub(crate) mod media;
pub mod realtime;
pub(crate) mod usage;
pub(crate) mod request;
mod names;
