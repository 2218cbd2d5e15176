//! Rules of Rust files, each a function from one file to findings.

use std::path::PathBuf;

use super::Text;

/// Lines of code of a file at the most: without blank lines, comments and its tests.
const CODE_LINES_MAX: usize = 500;
/// Characters of a line of comment at the most: what is longer has not been wrapped, which the formatter leaves alone.
const COMMENT_WIDTH_MAX: usize = 120;

/// A rule.
pub(crate) type Rule = fn(&Text) -> Vec<String>;

/// All of them.
pub(crate) const RULES: &[Rule] = &[
    opens_with_its_purpose,
    is_short,
    wraps_its_comments,
    has_no_unfinished_code,
    gives_reasons,
    names_things,
    is_nobody_s_machine,
];

/// Every file says what it is for before anything else.
fn opens_with_its_purpose(text: &Text) -> Vec<String> {
    let opens = text.text.starts_with("//! ");
    if opens { Vec::new() } else { vec![text.at(1, "does not open with `//!`: what is it for?")] }
}

/// A file that is too long is two files.
fn is_short(text: &Text) -> Vec<String> {
    if text.is_test {
        return Vec::new();
    }
    let lines = production(&text.text).filter(|(_, line)| is_code(line)).count();
    if lines <= CODE_LINES_MAX {
        return Vec::new();
    }
    vec![text.at(1, &format!("{lines} lines of code, more than {CODE_LINES_MAX}"))]
}

/// Comments are read in the same window as code.
fn wraps_its_comments(text: &Text) -> Vec<String> {
    let lines = text.text.lines().enumerate();
    let long = lines
        .filter(|(_, line)| line.trim_start().starts_with("//") && line.chars().count() > COMMENT_WIDTH_MAX);
    long.map(|(index, _)| text.at(index + 1, "a comment wider than 120 characters")).collect()
}

/// What says of itself that it is not done.
fn has_no_unfinished_code(text: &Text) -> Vec<String> {
    let banned = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "TODO", "XXX"];
    let everywhere = find(text, text.text.lines().enumerate(), &banned);
    let unwrap = if text.is_test {
        Vec::new()
    } else {
        let code = production(&text.text).filter(|(_, line)| is_code(line));
        find(text, code, &[".unwrap()"])
    };
    everywhere.into_iter().chain(unwrap).collect()
}

/// Lints are set aside by `expect` with a reason, never by `allow`.
fn gives_reasons(text: &Text) -> Vec<String> {
    let mut findings = find(text, text.text.lines().enumerate(), &["#[allow", "#![allow"]);
    let lines: Vec<&str> = text.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        if !trimmed.starts_with("#[expect(") && !trimmed.starts_with("#![expect(") {
            continue;
        }
        let rest = lines.get(index..).unwrap_or_default();
        let end = rest.iter().position(|line| line.trim_end().ends_with(")]")).unwrap_or_default();
        if !rest.iter().take(end + 1).any(|line| line.contains("reason = ")) {
            findings.push(text.at(index + 1, "`expect` without a reason"));
        }
    }
    findings
}

/// Types are named after what they are, and a thing has the one name of the glossary.
fn names_things(text: &Text) -> Vec<String> {
    let empty = ["Manager", "Helper", "Helpers", "Util", "Utils", "Processor", "Data", "Info"];
    let mut findings = Vec::new();
    for (index, line) in text.text.lines().enumerate() {
        let name = declared_type(line);
        if let Some(name) = name.filter(|name| empty.iter().any(|end| name.ends_with(end))) {
            findings.push(text.at(index + 1, &format!("`{name}` says nothing: what is it?")));
        }
    }
    let synonyms = ["quarantine", "dead letter", "dead-letter"];
    let hits = find(text, text.text.lines().enumerate(), &synonyms);
    findings.extend(hits.into_iter().map(|hit| format!("{hit} (the glossary's word is rejected event)")));
    findings
}

/// No path that exists on one machine only.
fn is_nobody_s_machine(text: &Text) -> Vec<String> {
    find(
        text,
        text.text.lines().enumerate(),
        &["\"/home/", "\"/root/", "\"/Users/", " /home/", " /root/", " /Users/"],
    )
}

/// Findings for each of `words` in `lines`. This file names them all, so it is not searched.
fn find<'a>(text: &Text, lines: impl Iterator<Item = (usize, &'a str)>, words: &[&str]) -> Vec<String> {
    if text.path.ends_with("tidy/source.rs") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in lines {
        for word in words.iter().filter(|word| line.contains(**word)) {
            findings.push(text.at(index + 1, &format!("`{word}`")));
        }
    }
    findings
}

/// The name in `struct Name`, `enum Name`, `trait Name`, `type Name`; not that of an associated type, which
/// somebody else may have chosen.
fn declared_type(line: &str) -> Option<&str> {
    if line.trim_start().len() < line.len() && line.trim_start().starts_with("type ") {
        return None;
    }
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    let keyword = words.next()?;
    if !["struct", "enum", "trait", "type"].contains(&keyword) {
        return None;
    }
    words.next()?.split(|letter: char| !letter.is_alphanumeric()).next()
}

/// Marks the files that are built for tests only: those in `tests` and `benches`, and the modules that are
/// declared under `#[cfg(test)]`, with all that is below them.
pub(crate) fn mark_tests(sources: &mut [Text]) {
    let modules: Vec<PathBuf> = sources.iter().flat_map(test_modules).collect();
    for text in sources {
        let folders =
            text.path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches");
        let path = text.path.with_extension("");
        text.is_test = folders || modules.iter().any(|module| path.starts_with(module));
    }
}

/// The paths, without `.rs`, of the modules that a file declares under `#[cfg(test)]`.
fn test_modules(text: &Text) -> Vec<PathBuf> {
    let root = ["lib.rs", "main.rs"].iter().any(|root| text.path.ends_with(root));
    let folder = if root { text.path.with_file_name("") } else { text.path.with_extension("") };
    let lines = text.text.lines().map(str::trim);
    lines
        .clone()
        .zip(lines.skip(1))
        .filter(|(attribute, _)| *attribute == "#[cfg(test)]")
        .filter_map(|(_, line)| line.rsplit_once("mod ")?.1.strip_suffix(';'))
        .map(|name| folder.join(name))
        .collect()
}

/// The lines before the module of tests that closes a file.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    let next = text.lines().skip(1).chain([""]);
    lines
        .zip(next)
        .take_while(|((_, line), next)| {
            *line != "#[cfg(test)]" || !(next.contains("mod ") && next.contains('{'))
        })
        .map(|(numbered, _)| numbered)
}

fn is_code(line: &str) -> bool {
    let trimmed = line.trim();
    !trimmed.is_empty() && !trimmed.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text { path: "crates/a/src/a.rs".into(), text: text.to_owned(), is_test: false }
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        assert!(opens_with_its_purpose(&text("//! A.\n")).is_empty());
        assert_eq!(opens_with_its_purpose(&text("use a;\n")).len(), 1);
    }

    #[test]
    fn only_code_counts_towards_a_file_s_length() {
        let code = "let a = 1;\n".repeat(CODE_LINES_MAX);
        assert!(is_short(&text(&code)).is_empty());
        assert!(is_short(&text(&format!("//! A.\n\n{code}#[cfg(test)]\nmod tests {{}}\n"))).is_empty());
        assert_eq!(is_short(&text(&format!("{code}let b = 2;\n"))).len(), 1);
        assert_eq!(is_short(&text(&format!("#[cfg(test)]\nmod fixture;\n{code}"))).len(), 1);
    }

    #[test]
    fn a_comment_is_wrapped_and_a_long_string_may_stand() {
        let words = "a ".repeat(COMMENT_WIDTH_MAX);
        assert_eq!(wraps_its_comments(&text(&format!("//! A.\n    // {words}\n"))).len(), 1);
        assert!(wraps_its_comments(&text(&format!("//! A.\nlet b = \"{words}\";\n"))).is_empty());
    }

    #[test]
    fn a_module_that_is_declared_for_tests_is_one() {
        let file = |path: &str, text: &str| Text { path: path.into(), text: text.to_owned(), is_test: false };
        let mut sources = [
            file("crates/a/src/lib.rs", "mod model;\n#[cfg(test)]\nmod fixture;\n"),
            file("crates/a/src/fixture.rs", ""),
            file("crates/a/src/fixture/deep.rs", ""),
            file("crates/a/src/model.rs", "#[cfg(test)]\npub(crate) mod tests;\n"),
            file("crates/a/src/model/tests.rs", ""),
            file("crates/a/tests/it.rs", ""),
        ];
        mark_tests(&mut sources);
        let marks: Vec<bool> = sources.iter().map(|text| text.is_test).collect();
        assert_eq!(marks, [false, true, true, false, true, true]);
    }

    #[test]
    fn unwrap_is_for_tests() {
        assert_eq!(has_no_unfinished_code(&text("a.unwrap();")).len(), 1);
        assert!(
            has_no_unfinished_code(&text("// a.unwrap()\n#[cfg(test)]\nmod t { a.unwrap(); }")).is_empty()
        );
        assert_eq!(has_no_unfinished_code(&text("#[cfg(test)]\nmod t { todo!() }")).len(), 1);
    }

    #[test]
    fn an_expectation_has_a_reason() {
        assert!(gives_reasons(&text("#[expect(a, reason = \"b\")]")).is_empty());
        assert!(gives_reasons(&text("#[expect(\n    a,\n    reason = \"b\"\n)]\nfn f() {}")).is_empty());
        assert_eq!(gives_reasons(&text("#[expect(a)]\n#[expect(b, reason = \"c\")]")).len(), 1);
        assert_eq!(gives_reasons(&text("#[allow(a)]")).len(), 1);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(names_things(&text("pub(crate) struct StateManager {")).len(), 1);
        assert_eq!(names_things(&text("pub enum EventData {")).len(), 1);
        assert!(names_things(&text("impl A {\n    type Data = u8;\n}")).is_empty());
        assert!(names_things(&text("struct Database;\ntype Metadata = u8;")).is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        assert_eq!(is_nobody_s_machine(&text("open(\"/home/me/a\")")).len(), 1);
        assert!(is_nobody_s_machine(&text("GET /v1/home/x")).is_empty());
    }
}
