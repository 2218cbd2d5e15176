//! The live feed as server-sent events: everything once, in order, resumed where a client left off.
//!
//! A subscriber first listens, then catches up from what is stored, then follows: what it hears live is what
//! it has not read yet, told by the cursor. One that falls behind reads from the store again, so it misses
//! nothing and nobody waits for it. Deliberately not here: WebSocket, webhooks.

mod channels;
mod message;
mod subscriber;
mod tickets;

pub(crate) use channels::Channels;
pub(crate) use subscriber::{Place, Subscribers, stream};
pub(crate) use tickets::{TICKETS_MAX, Tickets};
