//! Certificates that were read before.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::read;
use crate::model::{Certificate, Der, limits};

/// Remembers what certificates say: the same few chains cross the wire with every handshake, and comparing bytes is
/// cheaper than reading and digesting them again.
///
/// What it gives depends on the bytes alone, whatever it remembers. The seed of its hash is drawn anew for every run,
/// so that nobody can prepare certificates that collide.
#[derive(Debug)]
pub struct CertificateCache {
    known: HashMap<Arc<[u8]>, Arc<Certificate>, RandomState>,
    bytes: usize,
    /// What came last, in places that follow from where the bytes are in memory: who gives the same bytes again need not
    /// have them compared.
    lately: [Option<Lately>; LATELY],
}

const LATELY: usize = 64;

#[derive(Debug)]
struct Lately {
    given: Arc<[u8]>,
    shared: Arc<[u8]>,
    certificate: Arc<Certificate>,
}

impl Default for CertificateCache {
    fn default() -> Self {
        Self::new()
    }
}

impl CertificateCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        let lately = [const { None }; LATELY];
        Self { known: HashMap::default(), bytes: 0, lately }
    }

    /// What these bytes say, read only when they were not read before.
    pub fn read(&mut self, der: &Der) -> Arc<Certificate> {
        if let Some(certificate) = self.known.get(&der.0) {
            return Arc::clone(certificate);
        }
        let certificate = Arc::new(read(&der.0));
        self.remember(Arc::clone(&der.0), Arc::clone(&certificate));
        certificate
    }

    /// As [`Self::read`]; `der` then shares the remembered bytes, so that a thousand sessions that showed one chain hold
    /// it once.
    pub fn share(&mut self, der: &mut Der) -> Arc<Certificate> {
        let place = Arc::as_ptr(&der.0).addr() / 64 % LATELY;
        if let Some(Some(known)) = self.lately.get(place)
            && Arc::ptr_eq(&known.given, &der.0)
        {
            der.0 = Arc::clone(&known.shared);
            return Arc::clone(&known.certificate);
        }
        let given = Arc::clone(&der.0);
        let known = self.known.get_key_value(&der.0);
        let certificate = match known.map(|(bytes, known)| (Arc::clone(bytes), Arc::clone(known))) {
            Some((bytes, certificate)) => {
                der.0 = bytes;
                certificate
            }
            None => self.read(der),
        };
        if let Some(slot) =
            self.lately.get_mut(place).filter(|_| given.len() <= limits::RECENT_BYTES)
        {
            let (shared, certificate) = (Arc::clone(&der.0), Arc::clone(&certificate));
            *slot = Some(Lately { given, shared, certificate });
        }
        certificate
    }

    /// How many certificates are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets everything when full, rather than refusing what is new: whoever fills the cache on purpose then slows
    /// the others down for a moment and not for the rest of the run.
    fn remember(&mut self, der: Arc<[u8]>, certificate: Arc<Certificate>) {
        let bytes = self.bytes.saturating_add(der.len());
        let full = self.known.len() >= limits::CERTIFICATE_CACHE;
        if full || bytes > limits::CERTIFICATE_CACHE_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(der.len());
        self.known.insert(der, certificate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(bytes: &[u8]) -> Der {
        Der(bytes.into())
    }

    #[test]
    fn the_same_bytes_give_the_same_certificate_without_reading_again() {
        let mut cache = CertificateCache::new();
        let first = cache.read(&der(b"one"));
        let again = cache.read(&der(b"one"));
        assert!(Arc::ptr_eq(&first, &again));
        assert_ne!(cache.read(&der(b"two")).sha256, first.sha256);
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn a_full_cache_forgets_and_answers_as_before() {
        let mut cache = CertificateCache::new();
        let first = cache.read(&der(b"one"));
        for number in 0..limits::CERTIFICATE_CACHE {
            cache.read(&der(&number.to_be_bytes()));
        }
        assert!(cache.len() <= limits::CERTIFICATE_CACHE);
        assert_eq!(cache.read(&der(b"one")), first);
    }

    #[test]
    fn few_but_long_certificates_fill_it_too() {
        let mut cache = CertificateCache::new();
        let long = limits::CERTIFICATE_CACHE_BYTES / 4;
        for number in 0..6_u8 {
            cache.read(&der(&vec![number; long]));
        }
        assert!(!cache.is_empty() && cache.len() <= 4, "{}", cache.len());
    }
}
