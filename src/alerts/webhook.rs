//! Brings a message to its receiver: one POST over HTTP or HTTPS, signed as the Standard Webhooks
//! specification says. It does not try twice; that is the courier's.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use sha2::Sha256;
use thiserror::Error;

use crate::alerts::message::Message;
use crate::domain::window::UtcMicros;
use crate::https::{self, Connector, Undelivered};
use crate::settings::alerts::WebhookSettings;

const AGENT: &str = concat!("BudgetGuard/", env!("CARGO_PKG_VERSION"));
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The settings of a webhook cannot be used.
#[derive(Debug, Error)]
#[error("the alert webhook: {0}")]
pub struct WebhookError(String);

/// A receiver of messages.
pub struct Webhook {
    address: Uri,
    signer: Option<Signer>,
    timeout: Duration,
    client: Client<Connector, Full<Bytes>>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Webhook(..)")
    }
}

impl Webhook {
    /// A receiver that is trusted by these certificates, if it speaks TLS.
    pub fn new(settings: &WebhookSettings, roots: RootCertStore) -> Result<Self, WebhookError> {
        let address = settings.url.expose().parse();
        let connector = https::connector(roots, settings.timeout);
        let connector = connector.map_err(|error| WebhookError(error.to_string()))?;
        // Alerts are rare: a connection that waited for the next one would be closed by then.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self {
            address: address.map_err(|_secret| WebhookError("its URL is none".to_owned()))?,
            signer: settings.secret.as_ref().map(|secret| Signer {
                key: secret.key().to_vec(),
            }),
            timeout: settings.timeout,
            client,
        })
    }

    /// The longest that [`Webhook::send`] takes.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends a message, and waits until the receiver has it.
    pub async fn send(&self, message: &Message, now: UtcMicros) -> Result<(), Undelivered> {
        let seconds = now.get().div_euclid(MICROS_PER_SECOND);
        let mut request = Request::post(&self.address)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", seconds);
        if let Some(signer) = &self.signer {
            let signature = signer.sign(&message.id, seconds, &message.body);
            request = request.header("webhook-signature", signature);
        }
        let request = request.body(Full::from(message.body.clone()));
        let request = request.map_err(|_invalid| Undelivered::Unreachable)?;
        https::deliver(&self.client, request, self.timeout).await
    }
}

/// Signs by HMAC-SHA256 over id, time and body.
struct Signer {
    key: Vec<u8>,
}

impl Signer {
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // An HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new();
        };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::alerts::SigningSecret;

    #[test]
    fn a_signature_is_the_one_that_the_specifications_libraries_expect() {
        let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signer = Signer {
            key: secret.key().to_vec(),
        };
        let signature = signer.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
