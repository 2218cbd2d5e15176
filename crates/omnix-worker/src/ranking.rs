//! The first 10,000 customers by one measure, found in one pass with bounded memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use omnix_model::limits::RANKED_CUSTOMERS_MAX;
use omnix_model::{CustomerId, Timestamp};

use crate::queries::{CustomerRow, CustomerSort};

/// The first customers by value or by last purchase; ties by id.
#[derive(Debug)]
pub(crate) struct Ranking {
    sort: CustomerSort,
    rows: BTreeMap<(Reverse<i128>, CustomerId), CustomerRow>,
}

impl Ranking {
    pub(crate) const fn new(sort: CustomerSort) -> Self {
        Self { sort, rows: BTreeMap::new() }
    }

    pub(crate) fn offer(&mut self, row: CustomerRow) {
        let measure = match self.sort {
            CustomerSort::Id => 0,
            CustomerSort::Value => row.total_spent,
            CustomerSort::LastSeen => i128::from(row.last_purchase_at.map_or(-1, Timestamp::ms)),
        };
        self.rows.insert((Reverse(measure), row.customer_id.clone()), row);
        if self.rows.len() > RANKED_CUSTOMERS_MAX {
            self.rows.pop_last();
        }
    }

    pub(crate) fn into_rows(self) -> Vec<CustomerRow> {
        self.rows.into_values().collect()
    }
}
