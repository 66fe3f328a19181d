//! Notices when a stream goes beyond the output that is paid for: its provider ignores the cap.

use crate::providers::Dialect;
use crate::providers::answer::Seen;
use crate::providers::call::Call;

/// What is let pass beyond the allowance, and a part of it on top: a tokeniser's count and the
/// provider's own can differ by a few tokens, and an answer within its cap is never cut off.
const SLACK_TOKENS: u64 = 16;
const SLACK_DIVISOR: u64 = 64;

/// How far a stream may go, and where it went too far.
#[derive(Debug)]
pub(crate) struct CutOff {
    /// More output tokens than this are not let pass.
    limit: u64,
    choices: u64,
    /// Each part tells all that was used up to it, so the text need not be counted.
    tells_usage: bool,
    /// The last event or element that the caller gets of the provider's.
    after: Option<Vec<u8>>,
}

impl CutOff {
    /// Beyond so many output tokens in all choices together.
    pub(crate) fn beyond(allowance: u64, call: &Call) -> Self {
        let slack = allowance.checked_div(SLACK_DIVISOR).unwrap_or_default();
        Self {
            limit: allowance.saturating_add(slack).saturating_add(SLACK_TOKENS),
            choices: call.choices,
            tells_usage: call.dialect == Dialect::Google,
            after: None,
        }
    }

    /// Looks at what came so far, after an event or element was read.
    pub(crate) fn look(&mut self, seen: &mut Seen, event: &[u8]) {
        if self.after.is_none() && self.is_beyond(seen) {
            self.after = Some(event.to_vec());
        }
    }

    fn is_beyond(&self, seen: &mut Seen) -> bool {
        let reported = seen.reported.filter(|it| it.knows_output && it.is_exact);
        let is_more = match reported {
            Some(reported) if reported.usage.output_total() > self.limit => true,
            Some(_) if self.tells_usage => false,
            Some(_) | None => seen.transcript.exceeds(self.limit),
        };
        is_more && !self.ends_by_itself(seen)
    }

    /// The provider has said its last word, or all but that.
    fn ends_by_itself(&self, seen: &Seen) -> bool {
        seen.has_ended || seen.error.is_some() || self.open(seen).is_empty()
    }

    /// The choices that have not ended.
    pub(crate) fn open(&self, seen: &Seen) -> Vec<u64> {
        let all = 0..self.choices;
        all.filter(|choice| !seen.finished.contains(choice))
            .collect()
    }

    /// Where the stream was cut off, if it was.
    pub(crate) fn after(&self) -> Option<&[u8]> {
        self.after.as_deref()
    }
}

#[cfg(test)]
mod tests;
