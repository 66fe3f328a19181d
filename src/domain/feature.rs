//! What providers offer that this gateway does not meter. It is refused, unless whoever runs the
//! installation lets it pass and bears its cost outside the budgets.

/// A part of a provider's API whose cost nobody here can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Assistants and threads.
    Assistants,
    /// Sandboxes that run code.
    Containers,
    /// Conversations that the provider keeps.
    Conversations,
    /// Evaluations.
    Evals,
    /// Training of models.
    FineTuning,
    /// Images of models that are paid by the image.
    Imagen,
    /// Google's interactions.
    Interactions,
    /// Text completions of Anthropic, as they were before messages.
    LegacyCompletions,
    /// Conversations of sound over a WebSocket, at Google.
    Live,
    /// Calls by telephone and WebRTC, which do not come through here.
    RealtimeCalls,
    /// What a caller says in a conversation, written down by another model.
    RealtimeTranscription,
    /// Stores of documents and what searches them.
    SearchStores,
    /// Skills.
    Skills,
    /// Chat completions that the provider keeps.
    StoredCompletions,
    /// Videos.
    Videos,
    /// Voices that are made from recordings.
    Voices,
}

impl Feature {
    /// The word for it in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assistants => "assistants",
            Self::Containers => "containers",
            Self::Conversations => "conversations",
            Self::Evals => "evals",
            Self::FineTuning => "fine_tuning",
            Self::Imagen => "imagen",
            Self::Interactions => "interactions",
            Self::LegacyCompletions => "legacy_completions",
            Self::Live => "live",
            Self::RealtimeCalls => "realtime_calls",
            Self::RealtimeTranscription => "realtime_transcription",
            Self::SearchStores => "search_stores",
            Self::Skills => "skills",
            Self::StoredCompletions => "stored_completions",
            Self::Videos => "videos",
            Self::Voices => "voices",
        }
    }
}
