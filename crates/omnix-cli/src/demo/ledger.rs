//! What the simulated shop really sold, kept beside the product to hold it against.

use std::collections::BTreeMap;

use super::shop::Order;

/// What one customer bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Lines that are purchases.
    pub(crate) purchases: u64,
    /// The sum of all lines, returns included, in cents.
    pub(crate) cents: i64,
}

/// What every customer bought.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: BTreeMap<String, Account>,
    pub(crate) events: u64,
    pub(crate) orders: u64,
}

impl Ledger {
    /// Enters an order.
    pub(crate) fn enter(&mut self, order: &Order) {
        let account = self.accounts.entry(order.customer.clone()).or_default();
        for line in &order.lines {
            account.purchases += u64::from(line.quantity > 0);
            account.cents += line.cents();
        }
        self.events += order.lines.len() as u64;
        self.orders += u64::from(order.lines.iter().any(|line| line.quantity > 0));
    }

    /// What this customer bought.
    pub(crate) fn account(&self, customer: &str) -> Account {
        self.accounts.get(customer).copied().unwrap_or_default()
    }

    /// All customers, in order.
    pub(crate) fn customers(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }
}
