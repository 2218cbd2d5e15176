//! What a step found: how many checks passed, how many failed, and what to tell of them.

/// The outcome of a step.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Checks that held.
    pub(crate) passed: u64,
    /// Checks that did not.
    pub(crate) failed: u64,
    /// What a reader has to know, also of a step that passed: what was not checked, and why.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// One check that held.
    pub(crate) fn pass() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// One check that did not, and why.
    pub(crate) fn fail(why: impl Into<String>) -> Self {
        Self { failed: 1, notes: vec![why.into()], ..Self::default() }
    }

    /// Counts one more check; each finding against it is a note, and any makes it fail.
    pub(crate) fn check(&mut self, findings: impl IntoIterator<Item = String>) {
        let before = self.notes.len();
        self.notes.extend(findings);
        if self.notes.len() == before { self.passed += 1 } else { self.failed += 1 }
    }

    /// Adds what another step found.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.notes.extend(other.notes);
    }

    /// Whether nothing failed.
    pub(crate) fn holds(&self) -> bool {
        self.failed == 0
    }

    /// Prints notes and counts; says whether nothing failed.
    pub(crate) fn print(&self) -> bool {
        for note in &self.notes {
            println!("{note}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        self.holds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_with_findings_fails_once_and_keeps_them_all() {
        let mut report = Report::default();
        report.check([]);
        report.check(["a".to_owned(), "b".to_owned()]);
        assert_eq!((report.passed, report.failed, report.notes.len()), (1, 1, 2));
        assert!(!report.holds());
    }
}
