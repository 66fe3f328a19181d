//! Logging in: what a cookie opens, how sessions end, and wrong tries.

mod cookie;
mod endings;
mod refused;

const TENANT: &str = "/admin/tenant";
const SESSION: &str = "/admin/session";
const ME: &str = "/admin/session/password";
const WRONG: &str = "wrong wrong wrong";
