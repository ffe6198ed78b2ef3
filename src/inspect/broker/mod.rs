//! Message brokers and streams.

pub(super) mod amqp;
pub(super) mod kafka;
pub(super) mod mqtt;
pub(super) mod nats;
pub(super) mod pulsar;
pub(super) mod stomp;
