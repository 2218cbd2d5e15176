//! A client of HTTP/1.1 that knows what it does not know: whether a request may have arrived.
//!
//! Over one connection that is kept; no TLS, no redirects, no compression. A library would hide the one thing
//! that matters here: whether a byte of the request had left when the connection broke.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before the outcome counts as unknown.
const ANSWER_BUDGET: Duration = Duration::from_secs(30);

/// How long a local connection may take to be made.
const CONNECT_BUDGET: Duration = Duration::from_secs(2);

/// Bytes of an answer at the most: a page of a thousand insights has a few.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// One that was never sent, for tests.
    #[cfg(test)]
    pub(crate) fn made(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    /// Status and the beginning of the body, for messages.
    pub(crate) fn brief(&self) -> String {
        format!("{} {}", self.status, self.text().chars().take(300).collect::<String>())
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Nothing of the request left: it cannot have been carried out.
    NotSent(io::Error),
    /// The connection broke, or time was up, after a part of the request had left.
    Unknown(io::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(error) => write!(f, "not sent: {error}"),
            Self::Unknown(error) => write!(f, "outcome unknown: {error}"),
        }
    }
}

impl std::error::Error for CallError {}

/// Sends requests, one after the other.
pub(crate) struct Client {
    address: SocketAddr,
    token: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client of the server at `address` that shows `token`. Connects when it has something to send.
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), connection: None }
    }

    /// The server that it talks to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for `path`, its query included; once more when the server has closed a connection that stood idle:
    /// a question may be asked twice.
    pub(crate) fn get(&mut self, path: &str) -> Result<Response, CallError> {
        let was_kept = self.connection.is_some();
        match self.call("GET", path, &[]) {
            Err(CallError::Unknown(_)) if was_kept => self.call("GET", path, &[]),
            answer => answer,
        }
    }

    /// Sends JSON to `path`.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Response, CallError> {
        self.call("POST", path, body)
    }

    /// Sends again what the server knows already: as [`Self::get`], it may be sent twice.
    pub(crate) fn post_known(&mut self, path: &str, body: &[u8]) -> Result<Response, CallError> {
        let was_kept = self.connection.is_some();
        match self.post(path, body) {
            Err(CallError::Unknown(_)) if was_kept => self.post(path, body),
            answer => answer,
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response, CallError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(self.address).map_err(CallError::NotSent)?,
        };
        let request = request(method, path, &self.token, body);
        connection.get_mut().write_all(&request).map_err(CallError::Unknown)?;
        let (response, keep) = read_response(&mut connection).map_err(CallError::Unknown)?;
        if keep {
            self.connection = Some(connection);
        }
        Ok(response)
    }

    /// Opens `path` as server-sent events, after the event `last`.
    pub(crate) fn events(&self, path: &str, last: Option<&str>, poll: Duration) -> io::Result<Events> {
        let mut connection = connect(self.address)?;
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nAccept: text/event-stream\r\n{last}\r\n",
            self.address, self.token
        );
        connection.get_mut().write_all(head.as_bytes())?;
        let (status, headers) = read_head(&mut connection)?;
        if status != 200 {
            return Err(io::Error::other(format!("the feed answered {status}")));
        }
        connection.get_ref().set_read_timeout(Some(poll))?;
        let chunked = is_chunked(&headers);
        Ok(Events { body: BufReader::new(Body::new(connection, chunked)), line: Vec::new() })
    }
}

/// A stream of server-sent events, line by line.
pub(crate) struct Events {
    body: BufReader<Body>,
    /// What has arrived of the line in hand.
    line: Vec<u8>,
}

impl Events {
    /// The next line without its end; `None` when none has come within the poll interval; an error when the
    /// stream is over.
    pub(crate) fn line(&mut self) -> io::Result<Option<String>> {
        match self.body.read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.ends_with(b"\n") => {
                let line = String::from_utf8_lossy(&self.line).trim_end_matches(['\r', '\n']).to_owned();
                self.line.clear();
                Ok(Some(line))
            }
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if is_timeout(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_BUDGET)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_BUDGET))?;
    stream.set_write_timeout(Some(ANSWER_BUDGET))?;
    Ok(BufReader::new(stream))
}

fn request(method: &str, path: &str, token: &str, body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n")
            .into_bytes();
    if method == "POST" {
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        request.extend_from_slice(head.as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

/// Status and headers, names in lower case.
fn read_head(connection: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let status = read_line(connection)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("not a status line"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn read_line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// An answer, and whether the connection can be used again.
fn read_response(connection: &mut BufReader<TcpStream>) -> io::Result<(Response, bool)> {
    let (status, headers) = read_head(connection)?;
    let mut body = Vec::new();
    let length: Option<u64> = find(&headers, "content-length").and_then(|value| value.parse().ok());
    if is_chunked(&headers) {
        Chunks::default().read_all(connection, &mut body)?;
    } else if let Some(length) = length {
        if connection.take(length.min(BODY_BYTES_MAX)).read_to_end(&mut body)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else {
        connection.take(BODY_BYTES_MAX).read_to_end(&mut body)?;
    }
    let bounded = length.is_some() || is_chunked(&headers);
    let keep = bounded && find(&headers, "connection") != Some("close");
    Ok((Response { status, headers, body }, keep))
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn is_chunked(headers: &[(String, String)]) -> bool {
    find(headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

/// The body of an answer without an end.
struct Body {
    connection: BufReader<TcpStream>,
    chunks: Option<Chunks>,
}

impl Body {
    fn new(connection: BufReader<TcpStream>, chunked: bool) -> Self {
        Self { connection, chunks: chunked.then(Chunks::default) }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.chunks {
            Some(chunks) => chunks.read(&mut self.connection, buffer),
            None => self.connection.read(buffer),
        }
    }
}

/// Takes the chunks of a body apart; may be interrupted by a timeout anywhere and goes on from there.
#[derive(Default)]
struct Chunks {
    /// Bytes left of the chunk in hand.
    left: u64,
    /// What has arrived of the line that says how long the next chunk is.
    head: Vec<u8>,
    /// Whether the last chunk was read.
    done: bool,
}

impl Chunks {
    fn read(&mut self, connection: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.done {
            connection.read_until(b'\n', &mut self.head)?;
            if !self.head.ends_with(b"\n") {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(&self.head).trim().to_owned();
            self.head.clear();
            if line.is_empty() {
                continue; // the end of the chunk before
            }
            let size = line.split(';').next().unwrap_or_default();
            self.left = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            self.done = self.left == 0;
        }
        if self.done {
            return Ok(0);
        }
        let count = connection.take(self.left).read(buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }

    fn read_all(mut self, connection: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
        let mut buffer = [0; 8192];
        loop {
            let count = self.read(connection, &mut buffer)?;
            if count == 0 {
                read_line(connection)?; // no trailers are sent
                return Ok(());
            }
            body.extend(buffer.iter().take(count));
            if body.len() as u64 > BODY_BYTES_MAX {
                return Err(io::Error::other("the answer does not end"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that answers each connection with one of `answers`, whatever is asked, and closes it.
    fn server(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn a_body_by_length_and_a_body_in_chunks_are_read_to_their_ends() {
        let plain = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: close\r\nX-A: b\r\n\r\nhello";
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n";
        let address = server(vec![plain, chunked]);
        let mut client = Client::new(address, "t");
        let first = client.post("/", b"{}").unwrap();
        assert_eq!((first.status, first.text().as_str(), first.header("x-a")), (201, "hello", Some("b")));
        assert_eq!(client.get("/").unwrap().text(), "hello");
    }

    #[test]
    fn who_is_not_there_got_nothing_and_who_breaks_off_may_have() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(Client::new(nobody, "t").get("/"), Err(CallError::NotSent(_))));
        let torn = server(vec!["HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\nhel"]);
        assert!(matches!(Client::new(torn, "t").get("/"), Err(CallError::Unknown(_))));
    }

    #[test]
    fn events_come_line_by_line_and_end_with_an_error() {
        let address = server(vec![
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nid: \r\n9\r\n7\ndata: x\r\n1\r\n\n\r\n",
        ]);
        let mut events = Client::new(address, "t").events("/", None, Duration::from_millis(200)).unwrap();
        assert_eq!(events.line().unwrap().as_deref(), Some("id: 7"));
        assert_eq!(events.line().unwrap().as_deref(), Some("data: x"));
        assert!(events.line().is_err());
    }
}
