//! What refusals say that have nothing of their own to tell.

pub(super) const PROVIDER_FAILS: &str = "the provider fails at the moment; try again";
pub(super) const UNDECIDED: &str = "this cannot be decided now; try again";
pub(super) const INVALID_KEY: &str = "this API key is not valid";
pub(super) const HEADERS_TOO_LARGE: &str = "the request has too many headers, or too large ones";
pub(super) const NO_RECEIPT: &str = "there is no request of this id, or it has not ended yet";
pub(super) const BODY_TIMEOUT: &str = "the request body did not arrive in time";
pub(super) const UNKNOWN_ROUTE: &str =
    "this gateway does not serve this path: what it cannot meter it does not pass on";
pub(super) const MISSING_KEY: &str =
    "no API key was given; send it as `Authorization: Bearer`, `X-API-Key` or `x-goog-api-key`";
pub(super) const HANDS_OUT_CREDENTIALS: &str =
    "this would hand out a credential of the provider, with which no budget would hold";
