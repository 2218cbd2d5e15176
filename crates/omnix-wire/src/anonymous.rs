//! Which customers are nobody: till trade under `guest` or `0`.

/// The ids that stand for "no customer known", compared without case and surrounding blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymousRule {
    /// Lower case, trimmed.
    ids: Vec<String>,
}

impl AnonymousRule {
    /// The ids that are anonymous unless a user says otherwise.
    pub const DEFAULT_IDS: [&'static str; 5] = ["0", "guest", "anonymous", "unknown", "walk-in"];

    /// The rule that takes `ids` for nobody; with an empty one among them an absent `customerId` is legal.
    #[must_use]
    pub fn new<T: AsRef<str>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self { ids: ids.into_iter().map(|id| id.as_ref().trim().to_lowercase()).collect() }
    }

    /// Whether a customer of this id is nobody; none is.
    #[must_use]
    pub fn is_anonymous(&self, customer: Option<&str>) -> bool {
        let Some(customer) = customer.map(str::trim) else { return true };
        self.ids.iter().any(|id| {
            if customer.is_ascii() {
                customer.eq_ignore_ascii_case(id)
            } else {
                customer.to_lowercase() == *id
            }
        })
    }

    /// Whether an event may come without a `customerId`.
    #[must_use]
    pub fn allows_absent(&self) -> bool {
        self.ids.iter().any(String::is_empty)
    }
}

impl Default for AnonymousRule {
    fn default() -> Self {
        Self::new(Self::DEFAULT_IDS)
    }
}

#[cfg(test)]
mod tests {
    use super::AnonymousRule;

    #[test]
    fn case_and_blanks_do_not_matter() {
        let rule = AnonymousRule::default();
        for id in ["0", "guest", " Guest ", "WALK-IN", "Unknown\u{a0}", "anonymous"] {
            assert!(rule.is_anonymous(Some(id)), "{id:?}");
        }
        for id in ["00", "guest1", "walk in", "", " "] {
            assert!(!rule.is_anonymous(Some(id)), "{id:?}");
        }
        assert!(AnonymousRule::new(["GÄST"]).is_anonymous(Some("gäst")));
    }

    #[test]
    fn an_empty_entry_makes_an_absent_customer_legal() {
        assert!(!AnonymousRule::default().allows_absent());
        let rule = AnonymousRule::new(["", "0"]);
        assert!(rule.allows_absent());
        assert!(rule.is_anonymous(Some("  ")));
        assert!(rule.is_anonymous(None));
    }
}
