//! The one table of priorities: which condition of which kind is how urgent, and whether somebody should act.
//!
//! `PRIORITIES.md` beside the crate's manifest is this table; a test keeps them equal.

use omnix_model::{InsightKind, Priority};

/// A condition under which an insight is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    CoreCustomerLost,
    CoreCustomerSlips,
    FormerBestSilent,
    WorthyDeclines,
    CustomerDeclines,
    SmallDeclines,
    CustomerMoves,
    PredictionLikely,
    PredictionCertain,
    PredictionAlert,
    ProductOverdue,
    AmountUnusual,
    AmountExtreme,
    AmountForLines,
    QuantityUnusual,
    OrdersInShortTime,
    ListsChanged,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub case: Case,
    pub kind: InsightKind,
    pub message_id: &'static str,
    pub when: &'static str,
    pub priority: Priority,
    pub action_required: bool,
}

const fn row(case: Case, message_id: &'static str, when: &'static str, urgency: (Priority, bool)) -> Row {
    let kind = match case {
        Case::CoreCustomerLost
        | Case::CoreCustomerSlips
        | Case::FormerBestSilent
        | Case::WorthyDeclines
        | Case::CustomerDeclines
        | Case::SmallDeclines
        | Case::CustomerMoves => InsightKind::SegmentMigration,
        Case::PredictionLikely | Case::PredictionCertain | Case::PredictionAlert | Case::ProductOverdue => {
            InsightKind::ConsumptionPrediction
        }
        Case::AmountUnusual
        | Case::AmountExtreme
        | Case::AmountForLines
        | Case::QuantityUnusual
        | Case::OrdersInShortTime => InsightKind::BehaviorAnomaly,
        Case::ListsChanged => InsightKind::RecommendationUpdate,
    };
    Row { case, kind, message_id, when, priority: urgency.0, action_required: urgency.1 }
}

/// The table.
pub(crate) const TABLE: [Row; 17] = [
    row(
        Case::CoreCustomerLost,
        "segment.core_lost",
        "from Champions or Loyal Customers to At Risk, Cannot Lose Them, Hibernating or Lost",
        (Priority::Critical, true),
    ),
    row(
        Case::CoreCustomerSlips,
        "segment.core_slips",
        "from Champions or Loyal Customers to Need Attention",
        (Priority::High, true),
    ),
    row(
        Case::FormerBestSilent,
        "segment.former_best_silent",
        "to Cannot Lose Them from any other segment",
        (Priority::High, true),
    ),
    row(
        Case::WorthyDeclines,
        "segment.declines.worthy",
        "to a lower tier otherwise, found by ourselves, of a customer who brings twice as much as an ordinary one",
        (Priority::High, true),
    ),
    row(
        Case::CustomerDeclines,
        "segment.declines",
        "to a lower tier otherwise, by an outside model's word always",
        (Priority::Medium, false),
    ),
    row(
        Case::SmallDeclines,
        "segment.declines.small",
        "to a lower tier otherwise, found by ourselves, of a customer who brings at most half as much as an ordinary one",
        (Priority::Low, false),
    ),
    row(
        Case::CustomerMoves,
        "segment.moves",
        "any other change, the first segment and outside names included",
        (Priority::Low, false),
    ),
    row(
        Case::PredictionLikely,
        "consumption.likely",
        "confidence above `OMNIX_HIGH_CONFIDENCE_THRESHOLD`",
        (Priority::Medium, false),
    ),
    row(
        Case::PredictionCertain,
        "consumption.certain",
        "confidence above `OMNIX_CRITICAL_CONFIDENCE_THRESHOLD`",
        (Priority::High, true),
    ),
    row(
        Case::PredictionAlert,
        "consumption.alert",
        "a published prediction with `alertTriggered`, whatever its confidence up to there",
        (Priority::Medium, true),
    ),
    row(
        Case::ProductOverdue,
        "consumption.overdue",
        "a product that was expected has not been bought",
        (Priority::Medium, true),
    ),
    row(
        Case::AmountUnusual,
        "anomaly.amount.high",
        "an order's amount above the alert budget's threshold and `OMNIX_SPENDING_DEVIATION_THRESHOLD`",
        (Priority::Medium, false),
    ),
    row(
        Case::AmountExtreme,
        "anomaly.amount.extreme",
        "the same, and more than twice what is usual",
        (Priority::High, true),
    ),
    row(
        Case::AmountForLines,
        "anomaly.amount.for_lines",
        "an order's amount as far above what the products in it usually come to for this customer",
        (Priority::Medium, false),
    ),
    row(
        Case::QuantityUnusual,
        "anomaly.quantity",
        "a product's line above its share of the alert budget and five times what is usual",
        (Priority::Medium, false),
    ),
    row(
        Case::OrdersInShortTime,
        "anomaly.burst",
        "far more orders within hours than this customer usually places",
        (Priority::Medium, false),
    ),
    row(
        Case::ListsChanged,
        "recommendation.changed",
        "the first lists, or 3 of the first 5 products of either list were new after the basket before",
        (Priority::Low, false),
    ),
];

impl Case {
    /// The case's row; the cases stand in the table in their order.
    pub(crate) fn row(self) -> &'static Row {
        let row = TABLE.iter().find(|row| row.case == self);
        debug_assert!(row.is_some(), "every case has a row");
        row.unwrap_or(&TABLE[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_markdown() -> String {
        let mut text = String::from(
            "# Priorities\n\nGenerated from `src/priority.rs`; a test keeps them equal.\n\n\
             | kind | condition | message | priority | action required |\n| --- | --- | --- | --- | --- |\n",
        );
        for row in TABLE {
            let action = if row.action_required { "yes" } else { "no" };
            text += &format!(
                "| `{}` | {} | `{}` | {} | {action} |\n",
                row.kind.name(),
                row.when,
                row.message_id,
                row.priority.name()
            );
        }
        text
    }

    #[test]
    fn the_document_is_the_table() {
        assert_eq!(include_str!("../PRIORITIES.md"), as_markdown(), "expected:\n{}", as_markdown());
    }

    #[test]
    fn every_case_has_one_row() {
        for row in TABLE {
            assert_eq!(
                row.case.row(),
                TABLE.iter().find(|other| other.message_id == row.message_id).unwrap()
            );
        }
    }
}
