//! How ids are hashed for maps in memory: in one pass, under a seed that nobody outside knows.
//!
//! Whoever chooses ids must not be able to choose them so that they collide. Not for what is stored: there ids
//! are hashed under the whole secret ([`IdSecret::hash`]).

use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::dedup::IdSecret;

/// Makes hashes of ids under a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdHash {
    seed: u64,
}

impl IdHash {
    /// Hashes under a seed that follows from `secret`.
    pub(crate) fn under(secret: IdSecret) -> Self {
        Self { seed: secret.seed() }
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { hash: self.seed }
    }
}

/// The hash of one id.
#[derive(Debug)]
pub(crate) struct IdHasher {
    hash: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.hash = xxh3_64_with_seed(bytes, self.hash);
    }

    /// The end of a text, which says nothing where a key is a single one.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnix_model::CustomerId;

    #[test]
    fn an_id_and_its_text_hash_alike_and_each_secret_otherwise() {
        let hash = IdHash::under(IdSecret::new([1; 16]));
        let other = IdHash::under(IdSecret::new([2; 16]));
        let (id, next) = (CustomerId::new("customer-1").unwrap(), CustomerId::new("customer-2").unwrap());
        assert_eq!(hash.hash_one(&id), hash.hash_one("customer-1"));
        assert_ne!(hash.hash_one(&id), hash.hash_one(&next));
        assert_ne!(hash.hash_one(&id), other.hash_one(&id));
    }
}
