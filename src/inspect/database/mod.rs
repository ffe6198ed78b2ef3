//! Databases, caches and the stores that clusters keep their state in.

pub(super) mod cassandra;
pub(super) mod memcached;
pub(super) mod mongodb;
pub(super) mod mysql;
pub(super) mod postgresql;
pub(super) mod redis;
mod sql;
pub(super) mod zookeeper;
