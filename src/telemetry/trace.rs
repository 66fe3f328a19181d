//! The trace that a request belongs to, by the W3C's Trace Context: read from the caller, and told to the
//! provider with our own span as its parent.

use http::HeaderMap;
use http::header::HeaderName;

/// Says which trace a request belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What systems of tracing say to each other.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// How a caller, or a proxy before us, calls a request.
pub const CALLERS_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest text that is kept of a caller's headers.
const TEXT_BYTES_MAX: usize = 512;
/// `00-` and two ids and flags, with dashes between.
const PARENT_LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// The trace that one call is a span of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: [u8; 16],
    /// The caller's span, if the caller named one.
    pub parent: Option<[u8; 8]>,
    /// Ours.
    pub span: [u8; 8],
    /// Whether it is recorded, by us as by everybody before us.
    pub is_sampled: bool,
    /// `tracestate`, as it came.
    pub state: Option<String>,
    /// `x-request-id`, as it came.
    pub callers_request: Option<String>,
    /// Host and port of who is asked, once that is known.
    pub server: Option<(String, u16)>,
}

impl Trace {
    /// The trace of a request with these headers; one of its own if they name none, recorded in so many of
    /// a hundred cases.
    pub fn of(headers: &HeaderMap, sample_percent: u32) -> Self {
        let text = |name: HeaderName| {
            let text = headers.get(name)?.to_str().ok()?;
            (text.len() <= TEXT_BYTES_MAX).then(|| text.to_owned())
        };
        let callers_request = text(CALLERS_REQUEST_ID);
        if let Some((id, parent, flags)) = parent_of(headers) {
            return Self {
                id,
                parent: Some(parent),
                span: rand::random(),
                is_sampled: flags & SAMPLED != 0,
                state: text(TRACESTATE),
                callers_request,
                server: None,
            };
        }
        Self {
            id: rand::random(),
            parent: None,
            span: rand::random(),
            is_sampled: rand::random::<u32>() % 100 < sample_percent,
            state: None,
            callers_request,
            server: None,
        }
    }

    /// The same for another try of the request: a span beside the first.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            span: rand::random(),
            server: None,
            ..self.clone()
        }
    }

    /// What names our span as the parent of what follows.
    pub fn traceparent(&self) -> String {
        let flags = u8::from(self.is_sampled);
        let (id, span) = (hex::encode(self.id), hex::encode(self.span));
        format!("00-{id}-{span}-{flags:02x}")
    }
}

/// Trace, span and flags. What is not valid is as if it were not there, and so is one that came twice.
fn parent_of(headers: &HeaderMap) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let text = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (known, later) = text.split_at_checked(PARENT_LENGTH)?;
    let mut parts = known.split('-');
    let version: [u8; 1] = bytes(parts.next()?)?;
    let (id, span): ([u8; 16], [u8; 8]) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
    let [flags] = bytes(parts.next()?)?;
    // Later versions may add to the end; this one does not.
    let is_whole = match version {
        [0] => later.is_empty(),
        [0xff] => false,
        [_] => later.is_empty() || later.starts_with('-'),
    };
    let is_valid = is_whole && parts.next().is_none() && id != [0; 16] && span != [0; 8];
    is_valid.then_some((id, span, flags))
}

/// Lower-case digits only, as the specification says.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(parent).unwrap());
        headers.insert(TRACESTATE, HeaderValue::from_static("vendor=1"));
        headers
    }

    #[test]
    fn the_callers_trace_goes_on_with_a_span_of_ours() {
        let trace = Trace::of(&headers(PARENT), 0);
        assert_eq!(hex::encode(trace.id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent.map(hex::encode).unwrap(), "00f067aa0ba902b7");
        assert_eq!(trace.state.as_deref(), Some("vendor=1"));
        assert!(trace.is_sampled, "the caller's flag decides, not the share");
        let told = trace.traceparent();
        let span = hex::encode(trace.span);
        assert_eq!(
            told,
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01")
        );
        assert_ne!(span, "00f067aa0ba902b7");
        assert_ne!(trace.beside().span, trace.span);
        let unsampled = Trace::of(&headers(&PARENT.replace("-01", "-00")), 100);
        assert!(!unsampled.is_sampled);
        assert!(unsampled.traceparent().ends_with("-00"));
    }

    #[test]
    fn what_is_no_parent_begins_a_trace() {
        for wrong in [
            "",
            "00",
            &PARENT.replace("-01", ""),
            &PARENT.replace("-01", "-01-02"),
            &PARENT.replace("4bf9", "4BF9"),
            &PARENT.replace("00-4", "ff-4"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace("00f067aa0ba902b7", "00f067aa0ba902bg"),
        ] {
            let trace = Trace::of(&headers(wrong), 100);
            assert_eq!((trace.parent, trace.state), (None, None), "{wrong}");
            assert!(trace.is_sampled);
        }
        let mut twice = headers(PARENT);
        twice.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert_eq!(Trace::of(&twice, 0).parent, None);
        assert!(!Trace::of(&twice, 0).is_sampled);
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        let later = format!("{}-what-is-new", PARENT.replace("00-4", "01-4"));
        assert!(Trace::of(&headers(&later), 0).parent.is_some());
    }
}
