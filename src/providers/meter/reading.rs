//! Reads the parts of an answer one after the other, in its dialect, until it ends or is cut off.

use std::borrow::Cow;

use bytes::Bytes;

use crate::domain::usage::TokenUsage;
use crate::providers::answer::Seen;
use crate::providers::bounds::{OutputKind, output_kind};
use crate::providers::elements::Elements;
use crate::providers::ending::Unfinished;
use crate::providers::endpoints::Operation;
use crate::providers::google::cache::CacheTerm;
use crate::providers::meter::Forward;
use crate::providers::meter::cut_off::CutOff;
use crate::providers::meter::hider::Hider;
use crate::providers::openai::draft::Draft;
use crate::providers::sse::{Piece, SseSplitter, event_data};
use crate::providers::{Dialect, anthropic, google, openai};

/// What was read of an answer.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    pub(crate) cache_term: Option<CacheTerm>,
    pub(crate) seen: Seen,
    pub(crate) anthropic: anthropic::answer::Counts,
    /// What a stream of `/v1/responses` has told, where it can be cut off.
    pub(crate) draft: Draft,
    /// Absent where nothing limits the answer.
    pub(crate) cut_off: Option<CutOff>,
}

impl Reading {
    /// Reads events, and tells what of the chunk the caller gets: all of it, or what precedes the
    /// place where the stream is cut off.
    pub(crate) fn events(
        &mut self,
        splitter: &mut SseSplitter,
        chunk: &Bytes,
        end: bool,
    ) -> Forward {
        let came_before = splitter.held_bytes();
        let mut passed = 0_usize;
        splitter.push(chunk, end, |piece| {
            if self.is_cut_off() {
                return;
            }
            let (Piece::Event(bytes) | Piece::Skipped(bytes)) = piece;
            passed = passed.saturating_add(bytes.len());
            if let Piece::Event(event) = piece
                && let Some(data) = event_data(event)
            {
                self.event(&data);
                self.look(event);
            }
        });
        self.up_to(passed.saturating_sub(came_before), chunk)
    }

    /// The same of events of which some are not for the caller.
    pub(crate) fn hidden_events(
        &mut self,
        splitter: &mut SseSplitter,
        hider: &mut Hider,
        chunk: &Bytes,
        end: bool,
    ) -> Forward {
        splitter.push(chunk, end, |piece| {
            if self.is_cut_off() {
                return;
            }
            hider.take(&piece, &mut self.seen);
            if let Piece::Event(event) = piece {
                self.look(event);
            }
        });
        hider.forward(chunk)
    }

    /// The same of the elements of a growing array.
    pub(crate) fn elements(&mut self, elements: &mut Elements, chunk: &Bytes) -> Forward {
        let mut passed = 0;
        elements.push(chunk, |element, end| {
            if self.is_cut_off() {
                return;
            }
            passed = end;
            google::answer::read(&mut self.seen, element);
            self.look(element);
        });
        self.up_to(passed, chunk)
    }

    fn up_to(&self, passed: usize, chunk: &Bytes) -> Forward {
        if self.is_cut_off() {
            return Forward::Replaced(chunk.slice(..passed.min(chunk.len())));
        }
        Forward::Same
    }

    fn look(&mut self, event: &[u8]) {
        if let Some(cut_off) = &mut self.cut_off {
            cut_off.look(&mut self.seen, event);
        }
    }

    /// Whether the rest of the stream is of no interest: it does not reach the caller.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.after().is_some()
    }

    fn after(&self) -> Option<&[u8]> {
        self.cut_off.as_ref()?.after()
    }

    fn event(&mut self, data: &[u8]) {
        let seen = &mut self.seen;
        match self.dialect {
            Dialect::OpenAi if self.operation == Operation::Responses => {
                openai::answer::read_response_event(seen, data);
                if self.cut_off.is_some() {
                    self.draft.note(data);
                }
            }
            Dialect::OpenAi if output_kind(self.operation) != OutputKind::Text => {
                openai::media::read_event(seen, self.operation, data);
            }
            Dialect::OpenAi => {
                openai::chunk::read_chunk(seen, data);
            }
            Dialect::Anthropic => anthropic::answer::read_event(seen, &mut self.anthropic, data),
            Dialect::Google => {
                google::answer::read(seen, data);
            }
        }
    }

    /// Reads a whole answer; whether it could be read.
    pub(crate) fn document(&mut self, body: &[u8]) -> bool {
        let seen = &mut self.seen;
        match self.dialect {
            Dialect::OpenAi => openai::answer::read_document(seen, self.operation, body),
            Dialect::Anthropic => anthropic::answer::read_document(seen, body),
            Dialect::Google if self.operation == Operation::EmbedContent => {
                google::answer::read_embedding(seen, body)
            }
            Dialect::Google => match &self.cache_term {
                Some(term) => term.read_answer(seen, body),
                None => google::answer::read(seen, body),
            },
        }
    }

    /// What ends the stream where it was cut off.
    pub(crate) fn last_words(
        &self,
        is_array: bool,
        shows_usage: bool,
        usage: TokenUsage,
    ) -> Vec<u8> {
        let (Some(cut_off), Some(after)) = (&self.cut_off, self.after()) else {
            return Vec::new();
        };
        let data = if is_array {
            Cow::Borrowed(after)
        } else {
            event_data(after).unwrap_or_default()
        };
        let unfinished = Unfinished {
            dialect: self.dialect,
            operation: self.operation,
            is_array,
            last: &data,
            open: &cut_off.open(&self.seen),
            usage,
            shows_usage,
            anthropic: &self.anthropic,
            draft: &self.draft,
        };
        unfinished.last_words()
    }
}
