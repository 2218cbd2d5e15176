//! Clients typed by their role, and a stream that is kept in memory and fails when it is told to.

mod backend;
mod client;

pub(crate) use backend::{FakeStream, Mood, insight};
pub(crate) use client::{Answer, Client, House, NOW, SECRET, purchase};
