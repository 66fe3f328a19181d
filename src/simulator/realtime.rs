//! OpenAI's realtime sessions.
use super::target::Target;

/// Browsers cannot set headers: they name the key among the protocols.
pub(super) fn key(target: &Target) -> Option<&str> {
    let protocols = target.header("sec-websocket-protocol")?;
    protocols
        .split(',')
        .find_map(|protocol| protocol.trim().strip_prefix("openai-insecure-api-key."))
}
