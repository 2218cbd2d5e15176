//! `/v1/streaming/system/learning`: what was learnt, and how well.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_engine::{LearnerStage, LearnerStatus};
use omnix_wire::api::Time;
use omnix_wire::api::learning::{LearnerBody, LearningStatus};
use omnix_worker::{Learner, Learning};

use super::json;
use crate::app::App;
use crate::authority::{Authority, Overview};
use crate::problem::Problem;
use crate::query::Query;
use crate::route::{Content, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/system/learning", learning)
            .about("System", "What was learnt, and how well: each learner against its analytic fallback")
            .needs::<Overview>()
            .answers(200, "what was learnt", Content::json::<LearningStatus>()),
    ]
}

async fn learning(
    _authority: Authority<Overview>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    let found = app.ask(|backend| Ok(backend.learning())).await?;
    json(StatusCode::OK, &body(&found))
}

fn body(found: &Learning) -> LearningStatus {
    LearningStatus {
        model_version: found.model,
        learnt_until: found.until.map(Time),
        products: found.products,
        rows_waiting: found.rows_waiting,
        learners: found.learners.iter().map(learner_body).collect(),
    }
}

fn learner_body(Learner { name, days, status }: &Learner) -> LearnerBody {
    let (log_loss, fallback_log_loss) = status.losses().unzip();
    LearnerBody {
        name,
        days_ahead: *days,
        labels: count(status.labels),
        log_loss,
        fallback_log_loss,
        stage: status.stage.name(),
        speaks: speaks(status.stage),
        note: note(status),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not negative")]
const fn count(labels: f64) -> u64 {
    labels as u64
}

const fn speaks(stage: LearnerStage) -> &'static str {
    match stage {
        LearnerStage::Analytic => "the analytic form",
        LearnerStage::Straightened => "the analytic form, set straight",
        LearnerStage::Learnt => "what was learnt",
    }
}

/// Why that form speaks.
fn note(status: &LearnerStatus) -> String {
    let (needed, to_judge) = (LearnerStatus::LABELS_NEEDED, LearnerStatus::LABELS_TO_JUDGE);
    if status.labels < needed {
        return format!("{needed} labels are needed, {} are there", status.labels);
    }
    let Some((loss, fallback)) = status.losses().filter(|_| status.labels >= to_judge) else {
        return format!("{to_judge} labels are needed to judge it by, {} are there", status.labels);
    };
    let against = compared(loss, fallback);
    if status.has_fallen_back() { format!("fell back: {against}") } else { against }
}

/// How far `loss` is from that of the fallback, in whole percent.
fn compared(loss: f64, fallback: f64) -> String {
    let percent = if fallback > 0.0 { (100.0 * (loss / fallback - 1.0)).round() } else { 0.0 };
    if percent > 0.0 {
        format!("worse than its fallback by {percent} %")
    } else if percent < 0.0 {
        format!("better than its fallback by {} %", -percent)
    } else {
        "as good as its fallback".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(labels: f64, loss: f64, stage: LearnerStage) -> LearnerStatus {
        LearnerStatus { labels, loss, fallback_loss: 0.5, stage }
    }

    #[test]
    fn notes_say_why_a_form_speaks() {
        for (labels, loss, stage, expected) in [
            (0.0, 0.0, LearnerStage::Analytic, "100 labels are needed, 0 are there"),
            (320.0, 0.4, LearnerStage::Learnt, "500 labels are needed to judge it by, 320 are there"),
            (500.0, 0.45, LearnerStage::Learnt, "better than its fallback by 10 %"),
            (900.0, 0.51, LearnerStage::Learnt, "worse than its fallback by 2 %"),
            (900.0, 0.501, LearnerStage::Learnt, "as good as its fallback"),
            (900.0, 0.6, LearnerStage::Straightened, "fell back: worse than its fallback by 20 %"),
        ] {
            assert_eq!(note(&status(labels, loss, stage)), expected, "{labels} {loss}");
        }
    }

    #[test]
    fn losses_that_mean_nothing_yet_are_not_told() {
        let body = |labels| {
            let status = status(labels, 0.4, LearnerStage::Straightened);
            learner_body(&Learner { name: "due", days: 7, status })
        };
        assert_eq!((body(100.0).log_loss, body(100.0).fallback_log_loss), (None, None));
        assert_eq!((body(101.0).log_loss, body(101.0).fallback_log_loss), (Some(0.4), Some(0.5)));
        assert_eq!(body(101.0).labels, 101);
    }
}
