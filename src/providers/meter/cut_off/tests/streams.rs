//! Streams as providers send them, and what is left of them.

use super::*;

/// A stream: what asks for it, and its parts as they are sent.
pub(super) struct Stream {
    pub(super) path: &'static str,
    pub(super) body: Value,
    pub(super) content_type: &'static str,
    pub(super) hides_usage: bool,
    pub(super) parts: Vec<String>,
}

/// What came of a stream.
pub(super) struct Outcome {
    pub(super) forwarded: String,
    pub(super) metered: Metered,
    pub(super) is_cut_off: bool,
}

impl Stream {
    pub(super) fn call(&self) -> Call {
        let path = self.path.split('?').next().unwrap();
        let query = self.path.split_once('?').map(|(_, query)| query);
        let hints = Hints::new(&http::HeaderMap::new(), query);
        let route = route("POST", path, &hints).unwrap();
        read_call(&route, &Bytes::from(self.body.to_string())).unwrap()
    }

    pub(super) fn replay(&self, allowance: Option<u64>, chunks: &[&[u8]]) -> Outcome {
        let mut meter = meter(
            &self.call(),
            AnswerStart {
                status: 200,
                content_type: Some(self.content_type),
                tier_header: None,
                request_body: Bytes::from(self.body.to_string()),
                input_bound: 1_000,
                hides_usage: self.hides_usage,
                output_allowance: allowance,
            },
        );
        let mut forwarded = Vec::new();
        let mut is_cut_off = false;
        for (index, chunk) in chunks.iter().enumerate() {
            let chunk = Bytes::copy_from_slice(chunk);
            match meter.observe(&chunk, index + 1 == chunks.len()) {
                Forward::Same => forwarded.extend_from_slice(&chunk),
                Forward::Replaced(shown) => forwarded.extend_from_slice(&shown),
                Forward::Last(shown) => {
                    forwarded.extend_from_slice(&shown);
                    is_cut_off = true;
                    break;
                }
            }
        }
        Outcome {
            forwarded: String::from_utf8(forwarded).unwrap(),
            metered: meter.finish(),
            is_cut_off,
        }
    }

    /// Cuts the stream off, wherever its bytes are parted: always at the same place, in the same words.
    pub(super) fn cut(&self) -> Outcome {
        let whole = self.parts.concat().into_bytes();
        let first = self.replay(Some(ALLOWANCE), &[&whole]);
        assert!(
            first.is_cut_off && first.metered.is_cut_off,
            "{}",
            first.forwarded
        );
        let every_byte: Vec<&[u8]> = whole.chunks(1).collect();
        let halves = self
            .around_the_cut()
            .map(|at| vec![&whole[..at], &whole[at..]]);
        for chunks in halves.chain([every_byte]) {
            let other = self.replay(Some(ALLOWANCE), &chunks);
            assert_eq!(other.forwarded, first.forwarded);
            assert_eq!(other.metered, first.metered);
        }
        first
    }

    /// The bytes of the part that is the last, and of its neighbours.
    pub(super) fn around_the_cut(&self) -> std::ops::Range<usize> {
        let parts: Vec<&[u8]> = self.parts.iter().map(String::as_bytes).collect();
        let is_enough = |count: &usize| self.replay(Some(ALLOWANCE), &parts[..*count]).is_cut_off;
        let count = (1..parts.len()).find(is_enough).unwrap();
        parts[..count - 2].concat().len()..parts[..=count].concat().len()
    }

    /// The same stream with so many words, which ends by itself, passes as it is.
    pub(super) fn passes(&self, allowance: Option<u64>) {
        let whole = self.parts.concat();
        let outcome = self.replay(allowance, &[whole.as_bytes()]);
        assert!(!outcome.is_cut_off && !outcome.metered.is_cut_off);
        if !self.hides_usage {
            assert_eq!(outcome.forwarded, whole);
        }
    }
}

pub(super) fn sse(data: &Value) -> String {
    format!("data: {data}\n\n")
}

pub(super) fn named(data: &Value) -> String {
    let name = data["type"].as_str().unwrap();
    format!("event: {name}\ndata: {data}\n\n")
}

/// The data of all events.
pub(super) fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

pub(super) const WORD: &str = " token";
