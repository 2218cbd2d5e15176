//! The disk alone: how long a write of 4 KiB with its sync takes.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::failure::Failure;

/// Milliseconds of each of `count` writes, sorted.
pub(crate) fn sync_ms(dir: &Path, count: usize) -> Result<Vec<f64>, Failure> {
    let path = dir.join("sync");
    let mut file = File::create(&path)?;
    let block = [7_u8; 4_096];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    drop(file);
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}
