//! The pages: live insights, the API to browse, the error codes. Everything they need is in this program.

use std::fmt::Write as _;

use omnix_model::ErrorCode;

/// What a page may load and do.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Insights as they come.
pub(crate) const LIVE: &str = include_str!("assets/live.html");
/// The API, to browse.
pub(crate) const DOCS: &str = include_str!("assets/docs.html");

/// Scripts and styles: path, media type, text.
pub(crate) const ASSETS: &[(&str, &str, &str)] = &[
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("/assets/live.js", "text/javascript; charset=utf-8", include_str!("assets/live.js")),
    ("/assets/docs.js", "text/javascript; charset=utf-8", include_str!("assets/docs.js")),
];

/// Every error code and what it means.
pub(crate) fn errors() -> String {
    let mut rows = String::new();
    for code in ErrorCode::ALL {
        let (name, status) = (code.name(), code.status());
        let again = if code.is_retryable() { "yes" } else { "no" };
        let meaning = with_code(code.meaning().trim());
        // Writing to a string cannot fail.
        writeln!(
            rows,
            "<tr id=\"{name}\"><td><code>{name}</code></td><td>{status}</td><td>{again}</td><td>{meaning}</td></tr>"
        )
        .unwrap_or_default();
    }
    include_str!("assets/errors.html").replace("<!-- rows -->", &rows)
}

/// Escapes `text`; what stands in backticks becomes code.
fn with_code(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::new();
    for (index, part) in escaped.split('`').enumerate() {
        if index > 0 {
            out.push_str(if index % 2 == 1 { "<code>" } else { "</code>" });
        }
        out.push_str(part);
    }
    out
}
