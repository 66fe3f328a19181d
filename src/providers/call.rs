//! What a request asks for, read from its body in one pass: the few facts that decide its price.

use std::mem;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::domain::denial::BadRequest;
use crate::domain::id::ModelName;
use crate::domain::pricing::Tier;
use crate::domain::usage::RateKind;
use crate::providers::content::Content;
use crate::providers::endpoints::{Operation, Route};
use crate::providers::google::cache::{CacheTerm, KeptContents};
use crate::providers::multipart::{Form, is_form};
use crate::providers::reference::Reference;
use crate::providers::tokens::to_u64;
use crate::providers::{Dialect, anthropic, google, openai, pictures};

/// A request, as far as its price depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whose API is spoken.
    pub dialect: Dialect,
    /// Whose servers answer.
    pub home: Dialect,
    /// What is asked.
    pub operation: Operation,
    /// The model; empty where an endpoint has none.
    pub model: ModelName,
    /// Whether the answer is to be a stream.
    pub streamed: bool,
    /// How urgently.
    pub tier: RequestedTier,
    /// The most output tokens of one answer: the caller's cap, or the API's own default where it is
    /// documented.
    pub output_cap: Option<u64>,
    /// How many answers are generated and billed, over all prompts.
    pub choices: u64,
    /// What the input is made of.
    pub input: InputFacts,
    /// Kinds of units that it may use beside plain input and output: each needs a price.
    pub needs: SmallVec<[RateKind; 4]>,
    /// Features whose price is not in the price book, in words.
    pub unpriced: SmallVec<[&'static str; 2]>,
    /// The object that its path names.
    pub object: Option<String>,
    /// The requests of a batch.
    pub lines: Vec<Call>,
    /// What it names of the things that its provider keeps.
    pub references: Vec<Reference>,
    /// Whether the provider keeps the answer: it does unless told not to.
    pub is_kept: bool,
    /// The answer is made after the request has been answered.
    pub is_background: bool,
    /// How long what it is about is to be kept for later requests, where that costs.
    pub cache_term: Option<CacheTerm>,
    /// Where edits go.
    pub(crate) layout: Layout,
}

/// What bounds the input of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputFacts {
    /// The length of the body.
    pub body_bytes: u64,
    /// Images, each of which can be more tokens than it has bytes.
    pub images: u64,
    /// The most tokens that they are together.
    pub image_tokens: u64,
    /// The most tokens of the sound whose length is known.
    pub sound_tokens: u64,
    /// Independent inputs: each may be as long as the model's window.
    pub sequences: u64,
    /// Something is read that is not in the body or is packed in it (files, earlier turns, what
    /// a tool of the provider finds), so only the context window is a bound.
    pub has_unbounded_input: bool,
    /// The caller asked for a longer context than the price book's.
    pub has_long_context: bool,
    /// The most calls of tools that the provider itself runs: each may read the context again.
    pub server_tool_calls: Calls,
    /// The most web searches, which cost a fee each.
    pub web_search_calls: Calls,
    /// Tokens that the provider adds for tools without saying so in the body.
    pub hidden_tokens: u64,
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// At most so often.
    AtMost(u64),
    /// Nothing in the request limits it.
    Unlimited,
}

impl Default for Calls {
    fn default() -> Self {
        Self::AtMost(0)
    }
}

impl Calls {
    /// The limit, if there is one.
    pub fn max(self) -> Option<u64> {
        match self {
            Self::AtMost(calls) => Some(calls),
            Self::Unlimited => None,
        }
    }
}

/// The tier that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedTier {
    /// The normal one, and no other.
    Standard,
    /// The cheap one.
    Flex,
    /// The fast one.
    Priority,
    /// The provider chooses: what `auto` means, and at `OpenAI` also saying nothing.
    Auto,
    /// The cheapest one, for what is answered within a day.
    Batch,
    /// One that we do not know.
    Unknown,
}

impl RequestedTier {
    /// The tiers that may be served and billed. The worst case is the dearest of them that the
    /// model has a price for.
    pub fn may_serve(self) -> &'static [Tier] {
        match self {
            Self::Standard => &[Tier::Standard],
            // A provider without room refuses a flex request, but serves a priority one normally.
            Self::Flex => &[Tier::Flex],
            Self::Batch => &[Tier::Batch],
            Self::Priority | Self::Auto | Self::Unknown => &[Tier::Priority, Tier::Standard],
        }
    }

    /// The tier that is charged if the answer names none. Where the provider chose, it says so when
    /// it chose another than the normal one.
    pub fn unless_told(self) -> Tier {
        match self {
            Self::Standard | Self::Auto => Tier::Standard,
            Self::Flex => Tier::Flex,
            Self::Batch => Tier::Batch,
            Self::Priority | Self::Unknown => Tier::Priority,
        }
    }
}

/// Where in the body an edit goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where images and sound are packed whose tokens are known.
    pub(crate) packed: Vec<Range<usize>>,
    /// Just after the `{` of the body.
    pub(crate) open: usize,
    /// Whether the body's object has no member.
    pub(crate) is_empty: bool,
    /// The value of `model`.
    pub(crate) model: Option<Range<usize>>,
    /// The values of output caps that the caller wrote.
    pub(crate) caps: SmallVec<[Range<usize>; 2]>,
    /// The object that holds, or would hold, Google's cap.
    pub(crate) generation_config: Option<Nested>,
    /// The object that holds, or would hold, `include_usage`.
    pub(crate) stream_options: Option<Nested>,
    /// The value of `include_usage`.
    pub(crate) include_usage: Option<Range<usize>>,
    /// The caller asked for the usage itself.
    pub(crate) usage_asked: bool,
}

/// A member of the body that is, or should be, an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nested {
    /// The whole value.
    pub(crate) value: Range<usize>,
    /// It is an object without members, or `null`.
    pub(crate) is_empty: bool,
}

impl Call {
    /// Whether the model stands in the body, so that it can be called otherwise there.
    pub fn names_model_in_body(&self) -> bool {
        self.layout.model.is_some()
    }

    /// Whether the caller of a stream asked for its usage. If not, `edit_body` asks for it and the
    /// meter hides it.
    pub fn include_usage_asked(&self) -> bool {
        self.layout.usage_asked
    }
}

/// Reads a request whose body may be a form.
pub fn read_request(
    route: &Route<'_>,
    content_type: Option<&str>,
    body: &Bytes,
) -> Result<Call, BadRequest> {
    let takes_form = openai::request::takes_form(route.endpoint.operation);
    match content_type.filter(|kind| takes_form && is_form(Some(kind))) {
        Some(kind) => {
            let mut call = Call::empty(route, body);
            openai::request::read_form(&mut call, &Form::read(kind, body)?)?;
            Ok(call)
        }
        None => read_call(route, body),
    }
}

/// Reads a request. Endpoints without a body are read from their path.
pub fn read_call(route: &Route<'_>, body: &Bytes) -> Result<Call, BadRequest> {
    let mut call = Call::empty(route, body);
    let is_read = !matches!(
        route.endpoint.operation,
        Operation::Unmetered | Operation::Object
    );
    if !matches!(route.endpoint.method, "POST" | "PATCH") || !is_read {
        return Ok(call);
    }
    match route.endpoint.dialect {
        Dialect::OpenAi => openai::request::read(&mut call, body)?,
        Dialect::Anthropic => anthropic::request::read(&mut call, body)?,
        Dialect::Google => google::request::read(&mut call, body)?,
    }
    call.place_packed(body);
    Ok(call)
}

impl Call {
    fn empty(route: &Route<'_>, body: &Bytes) -> Self {
        let model = ModelName::new(route.model_in_path.unwrap_or_default());
        let endpoint = route.endpoint;
        let bare = Self::of_answer(endpoint.dialect, endpoint.operation, model);
        Self {
            input: InputFacts {
                body_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
                has_long_context: route.asks_long_context,
                ..bare.input
            },
            home: endpoint.home,
            object: route.object_in_path.map(str::to_owned),
            ..bare
        }
    }

    /// As much as is known of a request of which only the answer is here.
    pub(crate) fn of_answer(dialect: Dialect, operation: Operation, model: ModelName) -> Self {
        Self {
            dialect,
            home: dialect,
            operation,
            model,
            streamed: operation == Operation::StreamGenerateContent,
            tier: RequestedTier::Standard,
            output_cap: None,
            choices: 1,
            input: InputFacts {
                sequences: 1,
                ..InputFacts::default()
            },
            needs: SmallVec::new(),
            unpriced: SmallVec::new(),
            object: None,
            lines: Vec::new(),
            references: Vec::new(),
            is_kept: true,
            is_background: false,
            cache_term: None,
            layout: Layout::default(),
        }
    }

    /// Turns places in memory into places in the body, and takes what is packed there from its text.
    fn place_packed(&mut self, body: &[u8]) {
        let start = body.as_ptr().addr();
        let places = mem::take(&mut self.layout.packed);
        for place in places {
            let place = place.start.saturating_sub(start)..place.end.saturating_sub(start);
            if place.end <= body.len() {
                let packed = to_u64(place.len());
                self.input.body_bytes = self.input.body_bytes.saturating_sub(packed);
                self.layout.packed.push(place);
            }
        }
        self.layout.packed.sort_unstable_by_key(|place| place.start);
    }

    /// The body without what is packed in it and counted apart: what a tokeniser may count.
    pub fn text_of(&self, body: &Bytes) -> Bytes {
        if self.layout.packed.is_empty() {
            return body.clone();
        }
        let mut text = BytesMut::new();
        let mut done = 0;
        for place in &self.layout.packed {
            text.extend_from_slice(body.get(done..place.start).unwrap_or_default());
            done = place.end;
        }
        text.extend_from_slice(body.get(done..).unwrap_or_default());
        text.freeze()
    }

    /// Takes the model that a body names. Google's lists name theirs `models/...`, and its endpoints take
    /// both forms.
    pub(crate) fn name_model(&mut self, model: &str) {
        let plain = model
            .strip_prefix("models/")
            .filter(|_| self.home == Dialect::Google);
        self.model = ModelName::new(plain.unwrap_or(model));
    }

    /// Takes what Google says of the contents that are to be kept for longer; nothing if it says nothing.
    pub(crate) fn note_contents(&mut self, described: &[u8]) -> Option<()> {
        let kept = KeptContents::read(described)?;
        self.name_model(&kept.model);
        self.cache_term = self.cache_term.map(|term| term.of_existing(&kept));
        Some(())
    }

    /// Notes a kind of unit that needs a price.
    pub(crate) fn need(&mut self, kind: RateKind) {
        if !self.needs.contains(&kind) {
            self.needs.push(kind);
        }
    }

    /// Notes a feature that has no price.
    pub(crate) fn refuse(&mut self, feature: &'static str) {
        if !self.unpriced.contains(&feature) {
            self.unpriced.push(feature);
        }
    }

    /// Adds what a part of the input was found to hold.
    pub(crate) fn add_content(&mut self, content: &Content) {
        let input = &mut self.input;
        input.images = input.images.saturating_add(to_u64(content.pictures.len()));
        input.sound_tokens = input.sound_tokens.saturating_add(content.sound_tokens);
        for picture in &content.pictures {
            match pictures::tokens_max(self.dialect, self.model.as_str(), picture) {
                Some(tokens) => input.image_tokens = input.image_tokens.saturating_add(tokens),
                None => input.has_unbounded_input = true,
            }
        }
        self.layout.packed.extend_from_slice(&content.packed);
        input.has_unbounded_input |= content.is_unbounded;
        for kind in content.needs() {
            self.need(kind);
        }
        self.references.extend_from_slice(&content.references);
    }
}

#[cfg(test)]
mod tests;
