//! `POST /admin/whatif`: what would have happened under other budgets, limits or rules. Nothing is changed.

mod answer;
mod question;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;

use crate::admin::AdminState;
use crate::admin::document::BUDGETS;
use crate::admin::document::responses::InvalidBody;
use crate::admin::document::whatif::WhatIfQuestion;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::whatif::answer::WhatIfBody;
use crate::policy::PolicyError;
use crate::whatif::WhatIfError;

/// When to ask again while another question is being answered.
const BUSY_RETRY: Duration = Duration::from_secs(5);

#[utoipa::path(post, path = "/admin/whatif", tag = BUDGETS, operation_id = "askWhatIf",
    summary = "Tells what other budgets, limits or rules would have done. Nothing is changed.",
    request_body = WhatIfQuestion, responses((status = 200, body = WhatIfBody), InvalidBody))]
pub(super) async fn ask(
    State(state): State<Arc<AdminState>>,
    fields: Fields,
) -> Result<Json<WhatIfBody>, AdminError> {
    let snapshot = Arc::clone(&state.catalog.snapshot());
    let question = question::read(&fields, &snapshot)?;
    let asked = (question.window, question.tenant, question.key);
    let answer = state.whatif.ask(question).await.map_err(refused)?;
    Ok(Json(WhatIfBody::new(asked, answer, &snapshot)))
}

fn refused(error: WhatIfError) -> AdminError {
    let reason = error.to_string();
    match error {
        WhatIfError::Busy => AdminError::Busy {
            reason: "Another question is being answered",
            retry_after: BUSY_RETRY,
        },
        WhatIfError::TooManyRows(_) | WhatIfError::TooLong(_) => AdminError::Invalid(reason),
        WhatIfError::Policy(PolicyError::Compile(problem)) => {
            AdminError::Invalid(format!("changes/policy cannot be used: {problem}"))
        }
        WhatIfError::Store(error) => error.into(),
        WhatIfError::Spending(_) => AdminError::Unavailable,
        WhatIfError::Policy(
            PolicyError::Read { .. }
            | PolicyError::NoFiles(_)
            | PolicyError::Evaluate(_)
            | PolicyError::Input(_)
            | PolicyError::Decision(_)
            | PolicyError::TimedOut
            | PolicyError::Busy,
        )
        | WhatIfError::GivenUp => {
            tracing::error!(%reason, "a question about the past was given up");
            AdminError::Internal
        }
    }
}
