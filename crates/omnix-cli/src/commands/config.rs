//! `omnix config`: checks the settings, prints them with where each comes from, or prints their schema.

use std::path::Path;

use crate::cli::ConfigCommand;
use crate::failure::Failure;
use crate::settings;

pub(crate) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { config } => check(config.as_deref()),
        ConfigCommand::Print { config } => {
            print!("{}", settings::load(config.as_deref(), &[])?.print());
            Ok(())
        }
        ConfigCommand::Schema => {
            println!("{:#}", omnix_server::settings::schema());
            Ok(())
        }
    }
}

fn check(config: Option<&Path>) -> Result<(), Failure> {
    let resolved = settings::load(config, &[])?;
    for name in &resolved.warnings {
        eprintln!("`{name}` in the environment is no setting");
    }
    println!("the settings are sound");
    Ok(())
}
