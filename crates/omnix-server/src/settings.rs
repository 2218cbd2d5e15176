//! What a user may set, and where each value came from.
//!
//! Built-in defaults, then a TOML file, then the environment, then flags, resolved by one function that is
//! handed all of them. Plain structs, one file a section. Deliberately not here: anything that does work.

mod auth;
mod customers;
mod engine;
mod http;
mod keys;
mod resolve;
mod segments;
mod shop;
mod store;
mod stream;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use auth::AuthSettings;
pub use customers::CustomersSettings;
pub use engine::EngineSettings;
pub use http::HttpSettings;
pub use keys::{KEYS, Key, Kind};
pub use resolve::{Inputs, SettingsFault, Source, resolve};
pub use segments::SegmentsSettings;
pub use shop::ShopSettings;
pub use store::StoreSettings;
pub use stream::StreamSettings;

/// All settings of a server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The stream of events.
    pub stream: StreamSettings,
    /// The shop whose events they are.
    pub shop: ShopSettings,
    /// Whose events are nobody's.
    pub customers: CustomersSettings,
    /// What outside models call segments.
    pub segments: SegmentsSettings,
    /// What makes an insight.
    pub engine: EngineSettings,
    /// What is kept, where and for how long.
    pub store: StoreSettings,
    /// Sockets, bodies, time limits.
    pub http: HttpSettings,
    /// Tokens.
    pub auth: AuthSettings,
}

/// Settings, each with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// Where each value came from, by key (`http.listen`).
    pub sources: BTreeMap<&'static str, Source>,
    /// Names in the environment that look like ours and are not.
    pub warnings: Vec<String>,
}

impl Resolved {
    /// The settings as a TOML file that would give the same settings again, with the source of each value.
    /// Secrets are not shown.
    #[must_use]
    pub fn print(&self) -> String {
        use std::fmt::Write as _;

        let mut text = String::new();
        let mut section = "";
        for (key, value, source) in self.shown() {
            let (name, field) = key.split();
            if name != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = name;
                writeln!(text, "{gap}[{name}]").unwrap_or_default();
            }
            writeln!(text, "{field} = {value} # {source}").unwrap_or_default();
        }
        text
    }

    /// The settings by key (`http.listen`), each as `{ "value": …, "source": … }`. Secrets are not shown.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let entry = |(key, value, source): (&Key, toml::Value, String)| {
            (key.path.to_owned(), serde_json::json!({ "value": value, "source": source }))
        };
        self.shown().map(entry).collect::<serde_json::Map<_, _>>().into()
    }

    /// Every setting with its value, or words that stand for a secret, and its source.
    fn shown(&self) -> impl Iterator<Item = (&'static Key, toml::Value, String)> {
        let table = toml::Table::try_from(&self.settings).unwrap_or_default();
        KEYS.iter().filter_map(move |key| {
            let (name, field) = key.split();
            let value = match table.get(name)?.get(field)? {
                toml::Value::String(secret) if key.is_secret && !secret.is_empty() => "(not shown)".into(),
                value => value.clone(),
            };
            let source = self.sources.get(key.path).map_or_else(|| "default".to_owned(), Source::to_string);
            Some((key, value, source))
        })
    }
}

/// The JSON schema of the settings file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}
