//! `omnix config`: checks the settings, prints them with where each comes from, or prints their schema.

use serde_json::json;

use crate::cli::{ConfigArgs, ConfigCommand};
use crate::failure::Failure;
use crate::settings;

pub(crate) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(&args),
        ConfigCommand::Print(args) => print(&args),
        ConfigCommand::Schema => {
            println!("{:#}", omnix_server::settings::schema());
            Ok(())
        }
    }
}

fn check(args: &ConfigArgs) -> Result<(), Failure> {
    let found = settings::try_load(args.config.as_deref(), &[])?;
    if args.json {
        let (unknown, faults) = match &found {
            Ok(resolved) => (resolved.warnings.as_slice(), Vec::new()),
            Err(faults) => {
                (&[][..], faults.iter().map(|f| json!({ "key": f.key, "detail": f.detail })).collect())
            }
        };
        println!("{}", json!({ "sound": found.is_ok(), "faults": faults, "unknown": unknown }));
    }
    let resolved = found.map_err(|faults| settings::unsound(&faults))?;
    if !args.json {
        for name in &resolved.warnings {
            eprintln!("`{name}` in the environment is no setting");
        }
        println!("the settings are sound");
    }
    Ok(())
}

fn print(args: &ConfigArgs) -> Result<(), Failure> {
    let resolved = settings::load(args.config.as_deref(), &[])?;
    if args.json {
        println!("{}", resolved.to_json());
    } else {
        print!("{}", resolved.print());
    }
    Ok(())
}
