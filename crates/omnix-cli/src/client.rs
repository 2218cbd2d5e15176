//! A client of a running server: one request, one answer, errors as the server says them.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::cli::RemoteArgs;
use crate::failure::Failure;

/// Speaks with the server at one address.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(url: &str, token: Option<&str>) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { http: reqwest::Client::new(), url, token: token.map(str::to_owned) }
    }

    pub(crate) fn of(remote: &RemoteArgs) -> Self {
        Self::new(&remote.url, remote.token.as_deref())
    }

    /// A request to `path`, which begins with `/`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        json(self.send(self.request(Method::GET, path)).await?).await
    }

    /// Sends `request`; anything but a success is a failure with the server's words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        self.send_for(request, &[]).await
    }

    /// As [`Self::send`], but an answer with one of the statuses `also` is no failure either.
    pub(crate) async fn send_for(&self, request: RequestBuilder, also: &[u16]) -> Result<Response, Failure> {
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() || also.contains(&status) {
            return Ok(answer);
        }
        let problem: Value = answer.json().await.unwrap_or_default();
        let text = problem_text(status, &problem);
        Err(match status {
            401 if self.token.is_none() => Failure::not_permitted(
                "a token is needed: set OMNIX_TOKEN to what `omnix token --role …` prints",
            ),
            401 | 403 => Failure::not_permitted(text),
            404 => Failure::not_found(text),
            409 => Failure::conflict(text),
            400..=499 if status != 429 => Failure::usage(text),
            _ => Failure::unavailable(text),
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        if error.is_builder() {
            return Failure::usage(format!("`{}` is not an address", self.url));
        }
        Failure::unavailable(format!("no server answers at {} (is `omnix serve` running? {error})", self.url))
    }
}

/// The body of an answer.
pub(crate) async fn json(answer: Response) -> Result<Value, Failure> {
    Ok(answer.json().await?)
}

/// A problem as one line, with its faults.
pub(crate) fn problem_text(status: u16, problem: &Value) -> String {
    let word = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut text = format!("{status} {}: {}", word("code"), word("detail"));
    for fault in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        text.push_str(&format!("\n  {} {}", word("pointer"), word("detail")));
    }
    text
}

/// A text as one part of a path.
pub(crate) fn path_part(text: &str) -> String {
    use std::fmt::Write as _;
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            part.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_percent_encoded() {
        assert_eq!(path_part("Ünï/ %#?.@x"), "%C3%9Cn%C3%AF%2F%20%25%23%3F.%40x");
    }

    #[test]
    fn a_problem_is_told_with_its_faults() {
        let problem = serde_json::json!({
            "code": "validation_failed", "detail": "1 fault", "errors": [{ "pointer": "/price", "detail": "is missing" }]
        });
        assert_eq!(problem_text(422, &problem), "422 validation_failed: 1 fault\n  /price is missing");
    }
}
