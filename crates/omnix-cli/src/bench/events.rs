//! Purchases to measure with: of any number of customers, each with a handful of products, in order of time.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;

use omnix_model::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::failure::Failure;
use crate::input_file::is_gzip;

/// Which events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    pub(crate) events: u64,
    pub(crate) customers: u64,
    /// Products that a customer chooses from.
    pub(crate) favourites: u64,
    pub(crate) products: u64,
    /// Over how many days the events are spread.
    pub(crate) days: u64,
}

impl Population {
    /// About what a real shop's year looks like: 400 k lines of 4.3 k customers.
    pub(crate) const SHOP: Self =
        Self { events: 400_000, customers: 4_300, favourites: 90, products: 3_700, days: 365 };

    /// Calls `line` with each event's JSON.
    pub(crate) fn write(&self, line: &mut dyn FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut rng = StdRng::seed_from_u64(1);
        let start = Timestamp::from_ms_clamped(1_735_689_600_000);
        let step_ms = self.days * 86_400_000 / self.events.max(1);
        let (mut done, mut order) = (0, 0_u64);
        while done < self.events {
            order += 1;
            let customer = rng.random_range(0..self.customers);
            let lines = rng.random_range(1..12).min(self.events - done);
            let at = start.plus_ms(i64::try_from(done * step_ms).unwrap_or(0));
            for _ in 0..lines {
                let favourite = rng.random_range(0..self.favourites);
                let product = (customer * 7_919 + favourite * 104_729) % self.products;
                let (quantity, cents) = (rng.random_range(1..6), 100 + product % 1_900);
                line(&purchase(&format!("o{order}"), customer, product, quantity, cents, at))?;
            }
            done += lines;
        }
        Ok(())
    }

    /// Writes the events to `path`, one a line.
    pub(crate) fn write_file(&self, path: &Path) -> Result<(), Failure> {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        self.write(&mut |line| {
            file.write_all(line.as_bytes())?;
            Ok(file.write_all(b"\n")?)
        })?;
        Ok(file.flush()?)
    }
}

/// One purchase as JSON, about 300 bytes.
#[expect(clippy::too_many_arguments, reason = "the fields of a line, each of another meaning")]
pub(crate) fn purchase(
    order: &str,
    customer: u64,
    product: u64,
    quantity: u64,
    cents: u64,
    at: Timestamp,
) -> String {
    let total = quantity * cents;
    format!(
        r#"{{"customerId":"customer-{customer:07}","productId":"sku-{product:05}","productCategory":"category-{}","productName":"Product number {product}","quantity":{quantity},"price":{}.{:02},"totalAmount":{}.{:02},"timestamp":"{at}","location":"Store {}","paymentMethod":"card","deviceType":"web","metadata":{{"orderId":"{order}"}}}}"#,
        product % 23,
        cents / 100,
        cents % 100,
        total / 100,
        total % 100,
        customer % 9,
    )
}

/// A file, plain or unpacked.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    let file = std::fs::File::open(path)?;
    Ok(if is_gzip(path) { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// All lines of a file, plain or gzip.
pub(crate) fn read_lines(path: &Path) -> Result<Vec<String>, Failure> {
    Ok(BufReader::new(open(path)?).lines().collect::<Result<_, _>>()?)
}
