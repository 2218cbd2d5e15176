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

        let table = toml::Table::try_from(&self.settings).unwrap_or_default();
        let mut text = String::new();
        let mut section = "";
        for key in KEYS {
            let (name, field) = key.split();
            if name != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = name;
                writeln!(text, "{gap}[{name}]").unwrap_or_default();
            }
            let value = table.get(name).and_then(|section| section.get(field));
            let shown = match value {
                Some(toml::Value::String(secret)) if key.is_secret && !secret.is_empty() => {
                    "\"(not shown)\"".to_owned()
                }
                Some(value) => value.to_string(),
                None => continue,
            };
            let source = self.sources.get(key.path).map_or_else(|| "default".to_owned(), Source::to_string);
            writeln!(text, "{field} = {shown} # {source}").unwrap_or_default();
        }
        text
    }
}

/// The JSON schema of the settings file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}
