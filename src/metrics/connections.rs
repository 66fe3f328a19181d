//! Connections of callers, and the certificate that they are shown.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment, set};

/// Which limit a connection was beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// That of all connections.
    Total,
    /// That of its address.
    Address,
}

impl Refused {
    const ALL: [Self; 2] = [Self::Total, Self::Address];

    fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
        }
    }
}

const LOADED: &str = "loaded";
const FAILED: &str = "failed";

#[derive(Debug)]
pub(super) struct ConnectionMetrics {
    open: IntGauge,
    refused: IntCounterVec,
    expired: IntCounter,
    certificate_failed: IntGauge,
    certificates: IntCounterVec,
}

impl ConnectionMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let refused = register.counters(
            "budgetguard_connections_refused_total",
            "Connections that were closed at once, by the limit that they were beyond.",
            &["limit"],
        )?;
        for limit in Refused::ALL {
            refused.get_metric_with_label_values(&[limit.as_str()])?;
        }
        let certificates = register.counters(
            "budgetguard_tls_reloads_total",
            "Times that the certificate's files had changed, and whether they could be loaded.",
            &["outcome"],
        )?;
        for outcome in [LOADED, FAILED] {
            certificates.get_metric_with_label_values(&[outcome])?;
        }
        Ok(Self {
            open: register.gauge(
                "budgetguard_connections_open",
                "Connections of callers that are open.",
            )?,
            refused,
            expired: register.counter(
                "budgetguard_connections_expired_total",
                "Connections that were closed because no request came in time.",
            )?,
            certificate_failed: register.gauge(
                "budgetguard_tls_reload_failed",
                "1 while the certificate's files cannot be loaded and the one before stays in force.",
            )?,
            certificates,
        })
    }
}

impl Metrics {
    /// A connection is open.
    pub fn connection_opened(&self) {
        self.connections.open.inc();
    }

    /// It is not any more.
    pub fn connection_closed(&self) {
        self.connections.open.dec();
    }

    /// A connection was beyond a limit.
    pub fn connection_refused(&self, limit: Refused) {
        increment(&self.connections.refused, &[limit.as_str()]);
    }

    /// No request came on a connection in time.
    pub fn connection_expired(&self) {
        self.connections.expired.inc();
    }

    /// The certificate's files were read anew.
    pub fn certificate_read(&self, is_loaded: bool) {
        set(&self.connections.certificate_failed, u64::from(!is_loaded));
        let outcome = if is_loaded { LOADED } else { FAILED };
        increment(&self.connections.certificates, &[outcome]);
    }
}
