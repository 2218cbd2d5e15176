//! The server from outside: the router in process, clients typed by their role, a tree of tests that mirrors
//! the tree of paths; and a real socket where connections are what is tested.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

mod support;

mod authority;
mod bodies;
mod connections;
mod document;
mod envelope;
mod logs;
mod operations;
mod settings;
mod v1;
