//! One function from all sources to the settings; all faults at once.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;

use super::{KEYS, Key, Kind, Resolved, Settings};

/// Names in the environment that look like settings and belong to the command line.
const ENV_OF_OTHERS: [&str; 2] = ["OMNIX_URL", "OMNIX_TOKEN"];

/// Where settings come from, the weakest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// The text of a TOML file.
    pub file: Option<&'a str>,
    /// The environment.
    pub env: Option<&'a BTreeMap<String, String>>,
    /// Flags, by key: `http.listen`.
    pub flags: &'a [(&'static str, String)],
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// The file.
    File,
    /// The environment, under this name.
    Environment(&'static str),
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {detail}")]
pub struct SettingsFault {
    /// The key, the name in the environment, or `file`.
    pub key: String,
    /// What is wrong: lower case, without a full stop.
    pub detail: String,
}

fn fault(key: impl Into<String>, detail: impl Into<String>) -> SettingsFault {
    SettingsFault { key: key.into(), detail: detail.into() }
}

/// Resolves the settings.
///
/// # Errors
/// All faults of all sources at once: unknown keys, wrong types, values out of range.
pub fn resolve(inputs: Inputs<'_>) -> Result<Resolved, Vec<SettingsFault>> {
    let mut layers = Layers::default();
    if let Some(text) = inputs.file {
        layers.add_file(text);
    }
    let mut warnings = Vec::new();
    if let Some(env) = inputs.env {
        layers.add_env(env);
        let known = |name: &&String| KEYS.iter().any(|key| key.env == name.as_str());
        let ours = env.keys().filter(|name| name.starts_with("OMNIX_") && !known(name));
        warnings.extend(ours.filter(|name| !ENV_OF_OTHERS.contains(&name.as_str())).cloned());
    }
    layers.add_flags(inputs.flags);
    let Layers { table, sources, mut faults } = layers;
    match Settings::deserialize(table) {
        Ok(settings) => {
            faults.extend(check(&settings));
            if faults.is_empty() { Ok(Resolved { settings, sources, warnings }) } else { Err(faults) }
        }
        Err(error) => {
            if faults.is_empty() {
                faults.push(fault("settings", error.message()));
            }
            Err(faults)
        }
    }
}

#[derive(Default)]
struct Layers {
    table: toml::Table,
    sources: BTreeMap<&'static str, Source>,
    faults: Vec<SettingsFault>,
}

impl Layers {
    fn add_file(&mut self, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return self.faults.push(fault("file", error.to_string().trim_end())),
        };
        for (section, fields) in table {
            let toml::Value::Table(fields) = fields else {
                self.faults.push(fault(section, "is no section that is known"));
                continue;
            };
            for (field, value) in fields {
                let path = format!("{section}.{field}");
                match KEYS.iter().find(|key| key.path == path) {
                    Some(key) => self.set(key, value, Source::File),
                    None => self.faults.push(fault(path, "is no setting that is known")),
                }
            }
        }
    }

    fn add_env(&mut self, env: &BTreeMap<String, String>) {
        for key in KEYS {
            if let Some(text) = env.get(key.env) {
                self.set_text(key, text, Source::Environment(key.env));
            }
        }
    }

    fn add_flags(&mut self, flags: &[(&'static str, String)]) {
        for (path, text) in flags {
            match KEYS.iter().find(|key| key.path == *path) {
                Some(key) => self.set_text(key, text, Source::Flag),
                None => self.faults.push(fault(*path, "is no setting that is known")),
            }
        }
    }

    fn set_text(&mut self, key: &'static Key, text: &str, source: Source) {
        let value = match key.kind {
            Kind::Text => Some(toml::Value::String(text.to_owned())),
            Kind::Integer(..) => text.trim().replace('_', "").parse().ok().map(toml::Value::Integer),
            Kind::Number(..) => text.trim().parse().ok().map(toml::Value::Float),
            Kind::Flag => text.trim().parse().ok().map(toml::Value::Boolean),
            Kind::List => {
                let entries = text.split(',').map(|entry| toml::Value::String(entry.trim().to_owned()));
                let is_empty = text.trim().is_empty();
                Some(toml::Value::Array(if is_empty { Vec::new() } else { entries.collect() }))
            }
        };
        match value {
            Some(value) => self.set(key, value, source),
            None => self.faults.push(fault(name_in(key, &source), must_be(key.kind))),
        }
    }

    fn set(&mut self, key: &'static Key, value: toml::Value, source: Source) {
        if !is_of(key.kind, &value) {
            return self.faults.push(fault(name_in(key, &source), must_be(key.kind)));
        }
        let (section, field) = key.split();
        let fields = self.table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(fields) = fields {
            fields.insert(field.to_owned(), value);
        }
        self.sources.insert(key.path, source);
    }
}

fn name_in(key: &Key, source: &Source) -> &'static str {
    match source {
        Source::Environment(name) => name,
        Source::Default | Source::File | Source::Flag => key.path,
    }
}

fn is_of(kind: Kind, value: &toml::Value) -> bool {
    match (kind, value) {
        (Kind::Text, toml::Value::String(_)) | (Kind::Flag, toml::Value::Boolean(_)) => true,
        (Kind::Integer(low, high), toml::Value::Integer(number)) => {
            u64::try_from(*number).is_ok_and(|number| (low..=high).contains(&number))
        }
        (Kind::Number(low, high), toml::Value::Float(number)) => (low..=high).contains(number),
        (Kind::Number(low, high), toml::Value::Integer(number)) => {
            i32::try_from(*number).is_ok_and(|number| (low..=high).contains(&f64::from(number)))
        }
        (Kind::List, toml::Value::Array(entries)) => entries.iter().all(toml::Value::is_str),
        _ => false,
    }
}

fn must_be(kind: Kind) -> String {
    match kind {
        Kind::Text => "must be a text".to_owned(),
        Kind::Integer(low, high) => format!("must be a whole number from {low} to {high}"),
        Kind::Number(low, high) => format!("must be a number from {low} to {high}"),
        Kind::Flag => "must be true or false".to_owned(),
        Kind::List => "must be a list of texts".to_owned(),
    }
}

/// What types and ranges do not say.
fn check(settings: &Settings) -> Vec<SettingsFault> {
    let mut faults = Vec::new();
    let mut require = |holds: bool, key: &str, detail: &str| {
        if !holds {
            faults.push(fault(key, detail));
        }
    };
    let name = &settings.stream.name;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    require(
        (1..=128).contains(&name.len()) && name.chars().all(is_name),
        "stream.name",
        "must be 1 to 128 letters, digits, `_`, `.` or `-`",
    );
    let zone = jiff::tz::TimeZone::get(&settings.shop.time_zone);
    require(zone.is_ok(), "shop.time_zone", "must be an IANA time zone such as `Europe/Berlin`");
    let currency = &settings.shop.currency;
    let is_currency = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
    require(is_currency, "shop.currency", "must be an ISO 4217 code such as `EUR`");
    require(is_address(&settings.http.listen), "http.listen", "must be a host and a port");
    let admin = &settings.http.admin_listen;
    require(
        admin.is_empty() || is_address(admin),
        "http.admin_listen",
        "must be a host and a port, or empty",
    );
    let is_origin = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
    };
    require(
        settings.http.cors_origins.iter().all(is_origin),
        "http.cors_origins",
        "must be origins such as `https://shop.example`, without a path or `*`",
    );
    let secret = settings.auth.jwt_secret.len();
    require(secret == 0 || secret >= 32, "auth.jwt_secret", "must be at least 32 bytes long");
    require(
        secret == 0 || settings.auth.jwt_secret_file.is_empty(),
        "auth.jwt_secret_file",
        "must not stand beside `auth.jwt_secret`",
    );
    require(
        omnix_wire::SegmentAliases::new(&settings.segments.aliases).is_ok(),
        "segments.aliases",
        "must be entries such as `VIP = Champions`",
    );
    require(
        settings.engine.high_confidence_threshold <= settings.engine.critical_confidence_threshold,
        "engine.critical_confidence_threshold",
        "must not be below `engine.high_confidence_threshold`",
    );
    faults
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
