//! Where settings come from.

use std::collections::{BTreeMap, BTreeSet};

use omnix_server::settings::{Inputs, KEYS, Settings, Source, resolve, schema};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_stronger_source_wins() {
    let file = "[stream]\nshard_count = 4\nname = \"from-file\"\n[shop]\ncurrency = \"USD\"\n";
    let env =
        env(&[("KINESIS_SHARD_COUNT", "8"), ("OMNIX_HTTP_CORS_ORIGINS", "https://a.example, http://b")]);
    let flags = [("http.listen", "127.0.0.1:0".to_owned()), ("stream.shard_count", "16".to_owned())];
    let resolved = resolve(Inputs { file: Some(file), env: Some(&env), flags: &flags }).unwrap();
    let settings = &resolved.settings;
    assert_eq!(settings.stream.shard_count, 16);
    assert_eq!(settings.stream.name, "from-file");
    assert_eq!(settings.shop.currency, "USD");
    assert_eq!(settings.http.cors_origins, ["https://a.example", "http://b"]);
    assert_eq!(settings.stream.retention_hours, 24);
    assert_eq!(resolved.sources["stream.shard_count"], Source::Flag);
    assert_eq!(resolved.sources["shop.currency"], Source::File);
    assert!(resolved.print().contains("shard_count = 16 # flag\n"), "{}", resolved.print());
    assert!(resolved.print().contains("retention_hours = 24 # default\n"));
    assert!(resolved.print().contains("# environment: OMNIX_HTTP_CORS_ORIGINS\n"));
}

#[test]
fn all_faults_are_told_at_once() {
    let file = "[stream]\nshard_count = 0\nnam = \"x\"\n[shops]\ncurrency = \"EUR\"\n[http]\nlisten = 7\n";
    let env = env(&[
        ("OMNIX_TIME_ZONE", "Mars/Olympus"),
        ("OMNIX_CURRENCY", "euro"),
        ("OMNIX_ACK_TIMEOUT_MS", "soon"),
        ("OMNIX_HIGH_CONFIDENCE_THRESHOLD", "NaN"),
        ("OMNIX_JWT_SECRET", "short"),
        ("OMNIX_HTTP_CORS_ORIGINS", "*"),
        ("OMNIX_INGEST_BYTES", "1024"),
        ("OMNIX_SEGMENT_ALIASES", "VIP = Nobody"),
    ]);
    let faults = resolve(Inputs { file: Some(file), env: Some(&env), flags: &[] }).unwrap_err();
    let keys: BTreeSet<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    let expected = [
        "stream.shard_count",
        "stream.nam",
        "shops.currency",
        "http.listen",
        "shop.time_zone",
        "shop.currency",
        "OMNIX_ACK_TIMEOUT_MS",
        "OMNIX_HIGH_CONFIDENCE_THRESHOLD",
        "auth.jwt_secret",
        "http.cors_origins",
        "OMNIX_INGEST_BYTES",
        "segments.aliases",
    ];
    assert_eq!(keys, expected.into_iter().collect(), "{faults:?}");
    assert!(resolve(Inputs { file: Some("= 1"), ..Inputs::default() }).is_err());
}

#[test]
fn what_is_printed_gives_the_same_settings_again_and_no_secret() {
    let secret = "a secret that must not be shown to anybody";
    let env = env(&[("OMNIX_JWT_SECRET", secret), ("OMNIX_CUSTOMERS_ANONYMOUS", "0,,nobody")]);
    let resolved = resolve(Inputs { env: Some(&env), ..Inputs::default() }).unwrap();
    assert_eq!(resolved.settings.auth.jwt_secret, secret);
    assert_eq!(resolved.settings.customers.anonymous, ["0", "", "nobody"]);
    let printed = resolved.print();
    assert!(!printed.contains(secret));
    assert!(!format!("{resolved:?}").contains(secret));
    let plain = resolve(Inputs::default()).unwrap();
    let again = resolve(Inputs { file: Some(&plain.print()), ..Inputs::default() }).unwrap();
    assert_eq!(again.settings, plain.settings);
    assert_eq!(plain.settings, Settings::default());
}

#[test]
fn names_that_look_like_ours_and_are_not_are_warned_of() {
    let env = env(&[("OMNIX_CACHE_BYTE", "1"), ("OMNIX_TOKEN", "x"), ("HOME", "/")]);
    let resolved = resolve(Inputs { env: Some(&env), ..Inputs::default() }).unwrap();
    assert_eq!(resolved.warnings, ["OMNIX_CACHE_BYTE"]);
}

#[test]
fn every_field_has_a_key_and_every_key_a_field() {
    let schema = schema();
    let mut fields = BTreeSet::new();
    for (section, reference) in schema["properties"].as_object().unwrap() {
        let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for (field, described) in schema["$defs"][name]["properties"].as_object().unwrap() {
            let key = KEYS.iter().find(|key| key.path == format!("{section}.{field}"));
            let about = described["description"].as_str().unwrap();
            assert!(about.contains(key.unwrap().env), "{section}.{field} names its variable");
            fields.insert(format!("{section}.{field}"));
        }
    }
    let keys: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(fields, keys);
    let names: BTreeSet<&str> = KEYS.iter().map(|key| key.env).collect();
    assert_eq!(names.len(), KEYS.len());
}
