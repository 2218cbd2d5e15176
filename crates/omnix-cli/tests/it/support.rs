//! Running the binary: commands that end, servers that are always stopped, and a few words of HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The binary, with an environment that says nothing of it.
pub(crate) fn omnix(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnix"));
    let ours = |name: &str| name.starts_with("OMNIX_") || name.starts_with("KINESIS_") || name == "RUST_LOG";
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it said, when it ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self.out
    }

    /// What it said as JSON, when it ended well.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

pub(crate) fn run(args: &[&str]) -> Ended {
    Ended::of(omnix(args).output().unwrap())
}

pub(crate) fn run_with(args: &[&str], input: &str) -> Ended {
    let mut child =
        omnix(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::of(child.wait_with_output().unwrap())
}

/// A running server; dropped, it is gone.
pub(crate) struct Server {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Server {
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    pub(crate) fn start_with(dir: &Path, env: &[(&str, &str)]) -> Self {
        let mut child = omnix(&["serve", "--listen", "127.0.0.1:0", "--data-dir", text(dir)])
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Some(url) = line.strip_prefix("listening on ").and_then(|rest| rest.strip_suffix('\n')) else {
            drop(child.kill());
            panic!("not a line of a server that listens: {line:?}, {:?}", child.wait());
        };
        let token = run(&["token", "--role", "admin", "--data-dir", text(dir)]).ok().trim().to_owned();
        Self { child, out, url: url.to_owned(), token }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; answers the exit code and what else was on standard output.
    pub(crate) fn terminate(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest)
    }

    /// A command that talks to this server.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = omnix(args);
        command.env("OMNIX_URL", &self.url).env("OMNIX_TOKEN", &self.token);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.request("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request("POST", path, &body.to_string())
    }

    fn request(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let (token, length) = (&self.token, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.get(9..12).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// The customer's figures, without what only tells when they were asked for.
    pub(crate) fn customer(&self, id: &str) -> Value {
        let (status, profile) = self.get(&format!("/v1/streaming/customers/{id}"));
        assert_eq!(status, 200, "{profile}");
        without_time(profile)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer without what follows from the moment at which it was given.
pub(crate) fn without_time(mut answer: Value) -> Value {
    if let Some(object) = answer.as_object_mut() {
        object.remove("asOf");
    }
    for product in answer.get_mut("products").and_then(Value::as_array_mut).into_iter().flatten() {
        product.as_object_mut().unwrap().remove("confidence");
    }
    answer
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A purchase of `customer`, sent under `id`.
pub(crate) fn purchase(id: &str, customer: &str, amount: f64, at: &str) -> Value {
    json!({
        "eventId": id, "customerId": customer, "productId": "p-1", "productName": "Tea", "productCategory": "tea",
        "quantity": 1, "price": amount, "totalAmount": amount, "timestamp": at,
    })
}

/// Waits until `is_so` says so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} did not come about");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A history: `days` days on which each of `customers` customers buys, as lines of NDJSON.
pub(crate) fn history(customers: u32, days: u32) -> String {
    let mut lines = String::new();
    for day in 0..days {
        for customer in (0..customers).filter(|customer| (day + customer) % (2 + customer % 5) == 0) {
            let at = format!("2026-{:02}-{:02}T{:02}:00:00Z", 1 + day / 28, 1 + day % 28, 8 + customer % 10);
            let amount = f64::from(5 + customer % 20) + f64::from(day % 4) / 4.0;
            let mut event = purchase(&format!("h-{customer}-{day}"), &format!("c-{customer}"), amount, &at);
            event["productId"] = json!(format!("p-{}", customer % 7));
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
    }
    lines
}
