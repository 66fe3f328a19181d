//! Somebody who is logged in to the admin API, as a page in a browser is.

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use serde_json::{Value, json};

use crate::installation::{ADMIN_KEY, Answer, Installation};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    /// Name and value of the cookie.
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Browser {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        Self {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: answer.json()["csrfToken"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn with_key(installation: &Installation) -> Self {
        let key = json!({"adminKey": ADMIN_KEY});
        Self::of(&log_in(installation, &key).await)
    }

    pub(crate) async fn with_name(installation: &Installation, name: &str) -> Self {
        let body = json!({"name": name, "password": PASSWORD});
        Self::of(&log_in(installation, &body).await)
    }

    /// A request with the cookie alone.
    pub(crate) fn request(&self, method: &str, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(path);
        request.header("cookie", format!("other=1; {}", self.cookie))
    }

    /// Calls a route as a page of ours does.
    pub(crate) async fn call(
        &self,
        installation: &Installation,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = self
            .request(method, path)
            .header("x-csrf-token", &self.csrf);
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        installation.answer(request.body(body).unwrap()).await
    }

    /// The status of a look around.
    pub(crate) async fn status(&self, installation: &Installation) -> u16 {
        let request = self.request("GET", "/admin/session").body(Body::empty());
        installation.answer(request.unwrap()).await.status.as_u16()
    }
}

pub(crate) async fn log_in(installation: &Installation, body: &Value) -> Answer {
    let body = body.to_string();
    installation
        .send("POST", "/admin/session", None, body)
        .await
}

/// Makes a user with [`PASSWORD`] and tells their id.
pub(crate) async fn user(installation: &Installation, name: &str, role: &str) -> i64 {
    let body = json!({"name": name, "role": role, "password": PASSWORD});
    installation.post("/admin/users", body).await["id"]
        .as_i64()
        .unwrap()
}
