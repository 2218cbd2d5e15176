//! Settings, help and completions.

use serde_json::{Value, json};

use crate::support::{Ended, omnix, run, text};

#[test]
fn everything_wrong_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("omnix.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\nspeed = 9\n\n[shop]\ncurrency = \"euro\"\n")
        .unwrap();
    let mut command = omnix(&["config", "check", "--config", text(&file)]);
    let faulty = Ended::of(command.env("KINESIS_SHARD_COUNT", "many").output().unwrap());
    assert_eq!((faulty.code, faulty.out.as_str()), (2, ""));
    for what in ["http.speed", "KINESIS_SHARD_COUNT", "shop.currency"] {
        assert!(faulty.err.contains(what), "{what}: {}", faulty.err);
    }
    assert_eq!(run(&["serve", "--config", text(&file)]).code, 2);
    let told = run(&["config", "check", "--json", "--config", text(&file)]);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        (told.code, &report["sound"], report["faults"].as_array().unwrap().len()),
        (2, &json!(false), 2)
    );
    assert!(
        report["faults"].as_array().unwrap().iter().any(|fault| fault["key"] == "shop.currency"),
        "{report}"
    );
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    assert_eq!(run(&["config", "check", "--config", text(&file)]).ok(), "the settings are sound\n");
    let mut typo = omnix(&["config", "check"]);
    let warned = Ended::of(typo.env("OMNIX_LISTN", "x").output().unwrap());
    assert_eq!((warned.code, warned.err.contains("OMNIX_LISTN")), (0, true));
    let mut typo = omnix(&["config", "check", "--json"]);
    let warned = Ended::of(typo.env("OMNIX_LISTN", "x").output().unwrap()).json();
    assert_eq!(warned, json!({ "sound": true, "faults": [], "unknown": ["OMNIX_LISTN"] }));
}

#[test]
fn settings_are_printed_with_their_source_and_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("omnix.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:9\"\n").unwrap();
    let mut command = omnix(&["config", "print", "--config", text(&file)]);
    command.env("KINESIS_SHARD_COUNT", "3").env("OMNIX_JWT_SECRET", "0123456789abcdef0123456789abcdef");
    let printed = Ended::of(command.output().unwrap()).ok();
    assert!(printed.contains("listen = \"127.0.0.1:9\" # file"), "{printed}");
    assert!(printed.contains("shard_count = 3 # ") && !printed.contains("0123456789abcdef"), "{printed}");
    let mut command = omnix(&["config", "print", "--json", "--config", text(&file)]);
    command.env("KINESIS_SHARD_COUNT", "3").env("OMNIX_JWT_SECRET", "0123456789abcdef0123456789abcdef");
    let printed = Ended::of(command.output().unwrap()).json();
    assert_eq!(printed["http.listen"], json!({ "value": "127.0.0.1:9", "source": "file" }));
    assert_eq!(printed["stream.shard_count"]["value"], json!(3));
    assert_eq!(printed["auth.jwt_secret"]["value"], json!("(not shown)"));
    let schema: Value = run(&["config", "schema"]).json();
    assert!(schema["properties"]["http"].is_object());
}

#[test]
fn every_command_says_whom_it_talks_to() {
    let help = run(&["help"]).ok();
    let told = ["opens", "talks to", "reads", "starts servers"];
    let commands = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let mut entries: Vec<String> = Vec::new();
    for line in commands.lines().filter(|line| !line.trim().is_empty()) {
        match entries.last_mut() {
            Some(entry) if line.starts_with("     ") => entry.push_str(line),
            _ => entries.push(line.to_owned()),
        }
    }
    assert_eq!(entries.len(), 20, "{entries:?}");
    for entry in entries.iter().filter(|entry| !["help", "completions"].iter().any(|of| entry.contains(of))) {
        assert!(told.iter().any(|word| entry.contains(word)), "{entry}");
    }
}

#[test]
fn every_shell_has_completions_and_what_is_no_command_ends_with_2() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(&["completions", shell]).ok().contains("accept-loss"), "{shell}");
    }
    assert_eq!(run(&["completions", "sh"]).code, 2);
    assert_eq!(run(&["dance"]).code, 2);
    assert!(run(&["--version"]).ok().starts_with("omnix "));
}
