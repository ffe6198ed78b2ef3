//! What every network has, and what clusters are made with: shells, mail, directories, proxies, gossip.

pub(super) mod consul;
pub(super) mod ldap;
pub(super) mod linkerd;
pub(super) mod mail;
pub(super) mod openvpn;
pub(super) mod proxy;
pub(super) mod serf;
pub(super) mod ssh;
