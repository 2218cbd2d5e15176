//! The head row of a customer: what the shell keeps of a customer (position, window of ids) and the engine's
//! head, in one row, so that they are written together.

use std::ops::ControlFlow;

use omnix_engine::Customer;
use omnix_model::{CustomerId, DecodeError, Lane, Reader, Writer};
use omnix_storage::{KeyRange, Order, StateReader, StoreError};

use crate::keys;
use crate::shell::Shell;

/// Joins the shell's part and the engine's head: the length of the first, the first, the second.
#[must_use]
pub fn join(shell: &[u8], head: &[u8]) -> Vec<u8> {
    let mut out = Writer::append_to(Vec::with_capacity(shell.len() + head.len() + 4));
    out.bytes(shell);
    out.raw(head);
    out.into_bytes()
}

/// The shell's part and the engine's head of a head row.
///
/// # Errors
/// [`DecodeError`] when the row is cut short.
pub fn split(row: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let mut reader = Reader::new(row);
    let shell = reader.bytes()?;
    Ok((shell, reader.rest()))
}

/// A customer as stored: the shell's part, and the engine's state.
#[derive(Debug, Clone)]
pub struct StoredCustomer {
    /// The shell's part.
    pub shell: Shell,
    /// The engine's state; none when nothing could be applied so far.
    pub customer: Option<Customer>,
}

/// Reads all parts of a customer; none for one never seen.
///
/// # Errors
/// [`StoreError`] when the store fails or holds what cannot be decoded.
pub fn load(
    store: &dyn StateReader,
    lane: Lane,
    id: &CustomerId,
) -> Result<Option<StoredCustomer>, StoreError> {
    let prefix = keys::state_prefix(lane, id);
    let mut parts: Vec<(u16, Vec<u8>)> = Vec::new();
    store.scan(&KeyRange::prefix(&prefix), Order::Ascending, &mut |key, value| {
        if let Some((_, part)) = keys::parse_state(key) {
            parts.push((part, value.to_vec()));
        }
        ControlFlow::Continue(())
    })?;
    decode(&parts).map_err(|error| StoreError(format!("state of a customer in lane {lane}: {error}")))
}

/// Decodes the parts of one customer, as read.
///
/// # Errors
/// [`DecodeError`] when they are not a customer's state.
pub fn decode(parts: &[(u16, Vec<u8>)]) -> Result<Option<StoredCustomer>, DecodeError> {
    // Pages that were written without their head count for nothing.
    let Some((0, head)) = parts.first().map(|(number, bytes)| (*number, bytes)) else { return Ok(None) };
    let (shell, head) = split(head)?;
    let shell = Shell::decode(shell)?;
    let pages =
        parts.iter().skip(1).filter_map(|(part, bytes)| Some((shell.page_of(*part)?, bytes.as_slice())));
    let customer =
        if head.is_empty() { None } else { Some(Customer::decode(std::iter::once((0, head)).chain(pages))?) };
    Ok(Some(StoredCustomer { shell, customer }))
}
