//! What callers of the three providers say, and how they are told no.

use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::gateway::{Tenant, TestGateway};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
    Google,
}

/// A refusal, as the caller's SDK would read it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// OpenAI's and Anthropic's `type`, Google's `status`.
    pub(crate) kind: String,
    /// The word for programs, in lower case.
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Dialect {
    pub(crate) const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Google];

    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-4o-mini",
            Self::Anthropic => "claude-haiku-4-5",
            Self::Google => "gemini-2.5-flash",
        }
    }

    pub(crate) fn path(self, streamed: bool) -> &'static str {
        match (self, streamed) {
            (Self::OpenAi, _) => "/v1/chat/completions",
            (Self::Anthropic, _) => "/v1/messages",
            (Self::Google, false) => "/v1beta/models/gemini-2.5-flash:generateContent",
            (Self::Google, true) => "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        }
    }

    /// A body; Anthropic's always has a cap, as its API asks for.
    pub(crate) fn body(self, prompt: &str, cap: Option<u64>, streamed: bool) -> Value {
        let mut body = match self {
            Self::OpenAi | Self::Anthropic => {
                json!({"model": self.model(), "messages": [{"role": "user", "content": prompt}]})
            }
            Self::Google => json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}),
        };
        match (self, cap) {
            (Self::OpenAi, Some(cap)) => body["max_completion_tokens"] = json!(cap),
            (Self::Anthropic, cap) => body["max_tokens"] = json!(cap.unwrap_or(1_000)),
            (Self::Google, Some(cap)) => body["generationConfig"] = json!({"maxOutputTokens": cap}),
            (Self::OpenAi | Self::Google, None) => {}
        }
        if streamed && self != Self::Google {
            body["stream"] = json!(true);
        }
        body
    }

    /// The header in which the provider's SDK sends a key.
    pub(crate) fn key_header(self, key: &str) -> (HeaderName, HeaderValue) {
        let (name, value) = match self {
            Self::OpenAi => ("authorization", format!("Bearer {key}")),
            Self::Anthropic => ("x-api-key", key.to_owned()),
            Self::Google => ("x-goog-api-key", key.to_owned()),
        };
        (
            HeaderName::from_static(name),
            HeaderValue::try_from(value).unwrap(),
        )
    }

    /// Where a bare connection would send it: path and body.
    pub(crate) fn call(self, prompt: &str, cap: Option<u64>, streamed: bool) -> Call {
        Call {
            dialect: self,
            path: self.path(streamed).to_owned(),
            body: self.body(prompt, cap, streamed).to_string(),
        }
    }

    /// Reads a refusal, which must have the shape of the dialect.
    pub(crate) async fn refused(self, answer: reqwest::Response) -> Refused {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        assert_eq!(headers["content-type"], "application/json", "{text}");
        let own_id = if self == Self::Anthropic {
            "request-id"
        } else {
            "x-request-id"
        };
        assert!(headers.contains_key(own_id), "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        self.read(status, headers, &body)
    }

    pub(crate) fn read(self, status: u16, headers: HeaderMap, body: &Value) -> Refused {
        let error = &body["error"];
        let word = |value: &Value| {
            let text = value.as_str().unwrap_or_else(|| panic!("{self:?}: {body}"));
            text.to_owned()
        };
        let (kind, code) = match self {
            Self::OpenAi => {
                assert!(error.get("param").is_some(), "{body}");
                (word(&error["type"]), word(&error["code"]))
            }
            Self::Anthropic => {
                assert_eq!(body["type"], "error", "{body}");
                assert!(body["request_id"].is_string(), "{body}");
                (word(&error["type"]), word(&error["details"]["error_code"]))
            }
            Self::Google => {
                assert_eq!(error["code"], status, "{body}");
                let reason = word(&error["details"][0]["reason"]);
                (word(&error["status"]), reason.to_lowercase())
            }
        };
        let message = word(&error["message"]);
        Refused {
            status,
            headers,
            kind,
            code,
            message,
        }
    }
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) dialect: Dialect,
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Call {
    /// A call of an endpoint that `Dialect` does not have.
    pub(crate) fn to(dialect: Dialect, path: &str, body: &Value) -> Self {
        Self {
            dialect,
            path: path.to_owned(),
            body: body.to_string(),
        }
    }

    pub(crate) fn request(&self, gateway: &TestGateway, tenant: &Tenant) -> RequestBuilder {
        let (name, value) = self.dialect.key_header(&tenant.key);
        gateway
            .request(reqwest::Method::POST, &self.path)
            .header(name, value)
            .header("content-type", "application/json")
            .body(self.body.clone())
    }

    pub(crate) async fn send(&self, gateway: &TestGateway, tenant: &Tenant) -> reqwest::Response {
        self.request(gateway, tenant).send().await.unwrap()
    }

    /// Sends it and reads an answer that must be a success.
    pub(crate) async fn text(&self, gateway: &TestGateway, tenant: &Tenant) -> String {
        let answer = self.send(gateway, tenant).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status} {text}");
        text
    }

    pub(crate) async fn refused(&self, gateway: &TestGateway, tenant: &Tenant) -> Refused {
        let answer = self.send(gateway, tenant).await;
        self.dialect.refused(answer).await
    }
}
