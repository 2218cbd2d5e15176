//! `omnix rebuild`: applies the whole log again and holds the result against what is stored.

use crate::cli::RebuildArgs;
use crate::failure::Failure;

pub(crate) fn run(args: &RebuildArgs) -> Result<(), Failure> {
    let _ = (&args.directory, args.verify, args.json);
    Err(Failure::usage("not yet"))
}
