//! `omnix tail`: shows insights as they are raised, and comes back by itself when the server was away.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use crate::cli::TailArgs;
use crate::client::{Client, path_part};
use crate::failure::Failure;

const RETRY_AFTER: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: &TailArgs) -> Result<(), Failure> {
    let client = Client::of(&args.remote);
    let channels: Vec<String> = args.channel.iter().map(|channel| path_part(channel)).collect();
    let path = format!("/v1/streaming/feed?channels={}", channels.join(","));
    let mut cursor = Cursor { after: args.after.clone(), was_connected: false };
    let show = |message: &Value| show(message, args.remote.json);
    loop {
        match follow(&client, &path, &mut cursor, show).await {
            Ok(()) => eprintln!("the server ended the feed; coming back"),
            Err(failure) if !cursor.was_connected => return Err(failure),
            Err(failure) => eprintln!("{failure}; coming back"),
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// How far a feed was read.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    after: Option<String>,
    was_connected: bool,
}

/// Reads the feed until it ends and hands every message to `show`; `cursor` is left behind the last of them.
pub(crate) async fn follow(
    client: &Client,
    path: &str,
    cursor: &mut Cursor,
    mut show: impl FnMut(&Value),
) -> Result<(), Failure> {
    let mut request = client.request(Method::GET, path).header("accept", "text/event-stream");
    if let Some(id) = cursor.after.as_deref() {
        request = request.header("last-event-id", id);
    }
    let mut bytes = client.send(request).await?.bytes_stream();
    cursor.was_connected = true;
    let mut events = EventStream::default();
    while let Some(chunk) = bytes.next().await {
        for event in events.push(&chunk.map_err(|error| Failure::unavailable(error.to_string()))?) {
            if let Ok(message) = serde_json::from_str::<Value>(&event.data) {
                show(&message);
            }
            cursor.after = event.id.or(cursor.after.take());
        }
    }
    Ok(())
}

fn show(message: &Value, json: bool) {
    if json {
        println!("{message}");
    } else if message.get("type").and_then(Value::as_str) == Some("insight") {
        println!("{}", insight_line(message.get("payload").unwrap_or(&Value::Null)));
    }
}

/// An insight as one line.
pub(crate) fn insight_line(insight: &Value) -> String {
    let word = |name: &str| insight.get(name).and_then(Value::as_str).unwrap_or_default();
    let mark = if insight.get("actionRequired").and_then(Value::as_bool) == Some(true) { "!" } else { " " };
    let (time, priority) = (word("timestamp"), word("priority"));
    format!("{time} {priority:>8}{mark} {:<22} {}", word("insightType"), word("insight"))
}

/// One event of a stream of server-sent events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

/// Takes a stream of server-sent events apart (HTML Living Standard, section 9.2).
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    rest: Vec<u8>,
    current: ServerEvent,
}

impl EventStream {
    /// The events that `chunk` completes.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<ServerEvent> {
        self.rest.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.current);
                if !event.data.is_empty() {
                    events.push(event);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.current.id = Some(value.to_owned()),
                "data" => self.current.data.push_str(value),
                _ => {}
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_the_stream_is_cut() {
        let text = ": hello\n\nid: 1-2\nevent: insight\ndata: {\"a\":1}\n\ndata:x\r\n\r\n";
        let expected = vec![
            ServerEvent { id: Some("1-2".to_owned()), data: "{\"a\":1}".to_owned() },
            ServerEvent { id: None, data: "x".to_owned() },
        ];
        for cut in 0..text.len() {
            let mut stream = EventStream::default();
            let mut events = stream.push(&text.as_bytes()[..cut]);
            events.extend(stream.push(&text.as_bytes()[cut..]));
            assert_eq!(events, expected, "cut at {cut}");
        }
    }
}
