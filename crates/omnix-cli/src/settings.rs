//! The settings in force: file, environment and flags, read once and handed to the server's resolver.

use std::collections::BTreeMap;
use std::path::Path;

use omnix_server::settings::{Inputs, Resolved, SettingsFault, resolve};

use crate::cli::DirectoryArgs;
use crate::failure::Failure;

/// Resolves the settings under which the directory of `args` is opened.
pub(crate) fn of(args: &DirectoryArgs, flags: &[(&'static str, String)]) -> Result<Resolved, Failure> {
    let data_dir = args.data_dir.as_ref().map(|path| ("store.data_dir", path.display().to_string()));
    let flags: Vec<_> = flags.iter().cloned().chain(data_dir).collect();
    load(args.config.as_deref(), &flags)
}

/// Resolves the settings; `flags` are keys such as `http.listen` with their values.
pub(crate) fn load(config: Option<&Path>, flags: &[(&'static str, String)]) -> Result<Resolved, Failure> {
    try_load(config, flags)?.map_err(|faults| unsound(&faults))
}

/// As [`load`], with everything that is wrong with the settings as it was found.
pub(crate) fn try_load(
    config: Option<&Path>,
    flags: &[(&'static str, String)],
) -> Result<Result<Resolved, Vec<SettingsFault>>, Failure> {
    let file = config.map(read).transpose()?;
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(resolve(Inputs { file: file.as_deref(), env: Some(&env), flags }))
}

/// The failure of settings with these faults.
pub(crate) fn unsound(faults: &[SettingsFault]) -> Failure {
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    Failure::usage(format!("the settings are not sound:\n{}", lines.join("\n")))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))
}
