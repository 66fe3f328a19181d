//! The connection URL: what others write there, what we refuse, and the limits that we add.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::store::error::StoreError;

/// How long the server works on one statement: longer than any of ours takes. Compiling them to machine code would
/// take longer than most of them do.
const SERVER_OPTIONS: &str = "-c statement_timeout=30s -c jit=off";
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// The settings of a connection. Errors never repeat the URL, which holds a password.
pub(super) fn read_url(url: &str, connect_wait_max: Duration) -> Result<Config, StoreError> {
    const NO_TLS: &str = "TLS to Postgres is not supported: use sslmode=disable or prefer on a \
                          trusted network";
    let refuse = |why: &str| StoreError::Settings(why.to_owned());
    let has_query = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    let query = url.split_once('?').filter(|_query| has_query);
    let (address, query) = query.unwrap_or((url, ""));
    let mut options = String::from(SERVER_OPTIONS);
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("schema", schema)) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                if !schema.bytes().all(plain) {
                    return Err(refuse("the schema in the Postgres URL is no plain name"));
                }
                options = format!("{options} -c search_path={schema}");
            }
            Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                return Err(refuse(NO_TLS));
            }
            Some(_) | None => kept.push(pair),
        }
    }
    let address = if kept.is_empty() {
        address.to_owned()
    } else {
        format!("{address}?{}", kept.join("&"))
    };
    let mut config: Config = address
        .parse()
        .map_err(|_error| refuse("the Postgres URL could not be understood"))?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(refuse(NO_TLS));
    }
    if let Some(given) = config.get_options() {
        options = format!("{options} {given}");
    }
    if config.get_application_name().is_none() {
        config.application_name("budgetguard");
    }
    config
        .options(options)
        .connect_timeout(connect_wait_max)
        .keepalives_idle(SILENCE_MAX)
        .tcp_user_timeout(SILENCE_MAX);
    Ok(config)
}
