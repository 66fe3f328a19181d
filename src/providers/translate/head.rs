//! What every part of an answer repeats.

use crate::providers::translate::answer::AnswerFacts;

/// The head of an answer.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The provider's id without its kind, or our id of the request.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// The model that answers, by its provider's name for it.
    pub(super) model: String,
}

impl Head {
    pub(super) fn new(facts: &AnswerFacts<'_>) -> Self {
        Self {
            id: facts.request_id.to_owned(),
            created: facts.created,
            model: facts.model.to_owned(),
        }
    }

    /// Takes over what the provider says.
    pub(super) fn begin(&mut self, id: Option<&str>, model: Option<&str>) {
        if let Some(id) = id {
            id.strip_prefix("msg_")
                .unwrap_or(id)
                .clone_into(&mut self.id);
        }
        if let Some(model) = model {
            model.clone_into(&mut self.model);
        }
    }
}
