//! `omnix token`: prints a token and nothing else; reads the secret beside a running server.

use std::path::Path;
use std::time::Duration;

use omnix_server::{Role, Secret, mint};
use omnix_worker::{Clock as _, WallClock};

use crate::cli::{RoleArg, TokenArgs};
use crate::failure::Failure;
use crate::settings;

pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let ttl = parse_ttl(&args.ttl)
        .ok_or_else(|| Failure::usage(format!("`{}` is no duration like 24h", args.ttl)))?;
    let settings = settings::of(&args.directory, &[])?.settings;
    let secret = Secret::find(&settings.auth, Path::new(&settings.store.data_dir))?;
    let ttl_s = u32::try_from(ttl.as_secs()).or(Err(Failure::usage("a token lives at most 136 years")))?;
    let token = mint(&secret, role(args.role), ttl_s, WallClock.now()).map_err(anyhow::Error::msg)?;
    println!("{token}");
    Ok(())
}

const fn role(arg: RoleArg) -> Role {
    match arg {
        RoleArg::Publisher => Role::Publisher,
        RoleArg::Analyst => Role::Analyst,
        RoleArg::Admin => Role::Admin,
    }
}

/// `90s`, `30m`, `24h`, `7d`, or a number of seconds.
fn parse_ttl(text: &str) -> Option<Duration> {
    let (digits, unit_s) = match text.chars().last()? {
        's' => (text.strip_suffix('s')?, 1),
        'm' => (text.strip_suffix('m')?, 60),
        'h' => (text.strip_suffix('h')?, 3_600),
        'd' => (text.strip_suffix('d')?, 86_400),
        _ => (text, 1),
    };
    let count: u64 = digits.parse().ok().filter(|&count| count > 0)?;
    Some(Duration::from_secs(count.checked_mul(unit_s)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_has_a_unit() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse_ttl(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "0s", "-1h", "1.5h", "1w", "99999999999999999999d"] {
            assert_eq!(parse_ttl(text), None, "{text}");
        }
    }
}
