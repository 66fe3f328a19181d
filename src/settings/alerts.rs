//! Budget alerts: at which parts of a limit, and where they are sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;

use crate::domain::alert::Thresholds;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// Shortest secret that messages are signed with, as the Standard Webhooks specification asks.
const SECRET_BYTES_MIN: usize = 24;
/// What a secret begins with that is written in base64.
const BASE64_PREFIX: &str = "whsec_";
const SECONDS_PER_DAY: u64 = 86_400;

/// `[alerts]`
#[derive(Debug, Clone)]
pub struct Alerts {
    /// The thresholds of budgets that have none of their own.
    pub thresholds: Thresholds,
    /// Where alerts are sent, if anywhere.
    pub webhook: Option<WebhookSettings>,
    /// For how long alerts are listed after their window has ended.
    pub keep: Duration,
}

/// The receiver of alerts.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Its address, checked. Whoever knows it may write there.
    pub url: Secret,
    /// What messages are signed with; without it they are not.
    pub secret: Option<SigningSecret>,
    /// Longest wait for its answer.
    pub timeout: Duration,
    /// How often a message is tried.
    pub attempts_max: u32,
}

/// The key that messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// The key itself, for the one place that signs.
    pub fn key(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningSecret(..)")
    }
}

impl FromStr for SigningSecret {
    type Err = String;

    /// Reads a text that is the key, or `whsec_` and the key in base64.
    fn from_str(text: &str) -> Result<Self, String> {
        let key = match text.strip_prefix(BASE64_PREFIX) {
            Some(encoded) => STANDARD.decode(encoded),
            None => Ok(text.as_bytes().to_vec()),
        };
        let key = key.map_err(|_secret| format!("must be base64 after `{BASE64_PREFIX}`"))?;
        if key.len() < SECRET_BYTES_MIN {
            return Err(format!("must have at least {SECRET_BYTES_MIN} bytes"));
        }
        Ok(Self(key))
    }
}

impl Alerts {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let days = reader.integer("alerts.keep_days", 1..=3_660_u64);
        Self {
            thresholds: reader.required("alerts.thresholds", str::parse),
            webhook: read_webhook(reader),
            keep: Duration::from_secs(days.saturating_mul(SECONDS_PER_DAY)),
        }
    }
}

fn read_webhook(reader: &mut Reader<'_>) -> Option<WebhookSettings> {
    let url = reader.secret("alerts.webhook_url", 1);
    let secret = reader.secret("alerts.webhook_secret", 1);
    let timeout_ms = reader.integer("alerts.webhook_timeout_ms", 100..=60_000);
    let attempts_max = reader.integer("alerts.webhook_attempts_max", 1..=100);
    let secret = secret.and_then(|secret| {
        let parsed = secret.expose().parse();
        parsed
            .map_err(|problem: String| reader.problem("alerts.webhook_secret", problem))
            .ok()
    });
    let Some(url) = url else {
        if secret.is_some() {
            let warning = "alerts.webhook_secret has no effect without alerts.webhook_url";
            reader.warnings.push(warning.to_owned());
        }
        return None;
    };
    if let Err(problem) = check_url(url.expose()) {
        reader.problem("alerts.webhook_url", problem);
    }
    Some(WebhookSettings {
        url,
        secret,
        timeout: Duration::from_millis(timeout_ms),
        attempts_max,
    })
}

/// The problem does not quote it: services put a secret into it.
pub(super) fn check_url(text: &str) -> Result<(), &'static str> {
    let uri: Uri = text.parse().map_err(|_secret| "is not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("must start with http:// or https://");
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err("must have no user and no password");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_is_a_text_or_base64() {
        let plain: SigningSecret = "a text of enough letters".parse().unwrap();
        assert_eq!(plain.key(), b"a text of enough letters");
        let encoded: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        assert_eq!(encoded.key().len(), 24);
        for text in ["short", "whsec_c2hvcnQ=", "whsec_!"] {
            let problem = text.parse::<SigningSecret>().unwrap_err();
            assert!(!problem.contains(text), "{problem}");
        }
        assert_eq!(format!("{plain:?}"), "SigningSecret(..)");
    }

    #[test]
    fn a_webhook_is_an_address_on_the_web() {
        check_url("https://hooks.slack.com/services/T0/B0/X").unwrap();
        check_url("http://[::1]:9000/in?sig=1").unwrap();
        for text in [
            "hooks.slack.com",
            "ftp://h",
            "https://u:p@h",
            "https://",
            "/path",
        ] {
            check_url(text).unwrap_err();
        }
    }
}
