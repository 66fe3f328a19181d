//! How long calls took, under the names of OpenTelemetry's conventions.

use prometheus::{Error, HistogramVec};

use crate::metrics::register::Register;

const DURATION_BUCKETS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKEN_BUCKETS: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

const PER_TOKEN_BUCKETS: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];

#[derive(Debug)]
pub(super) struct CallTimes {
    pub(super) duration: HistogramVec,
    pub(super) first_token: HistogramVec,
    pub(super) per_token: HistogramVec,
}

impl CallTimes {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, Error> {
        const CALL: [&str; 3] = [
            "gen_ai_operation_name",
            "gen_ai_provider_name",
            "gen_ai_request_model",
        ];
        Ok(Self {
            duration: register.histograms(
                "gen_ai_client_operation_duration_seconds",
                "From the request to the last byte of the answer.",
                &CALL,
                &DURATION_BUCKETS,
            )?,
            first_token: register.histograms(
                "gen_ai_server_time_to_first_token_seconds",
                "From the request to the first byte of the answer.",
                &CALL,
                &FIRST_TOKEN_BUCKETS,
            )?,
            per_token: register.histograms(
                "gen_ai_server_time_per_output_token_seconds",
                "Of streamed answers: the time after the first byte, for each token after the first.",
                &CALL,
                &PER_TOKEN_BUCKETS,
            )?,
        })
    }
}
