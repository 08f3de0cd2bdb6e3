//! The secret that the ranks of a job share, and how two of them prove that they have it without telling it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A nonce, drawn for one proof.
pub(super) type Nonce = [u8; 32];
/// A proof.
pub(super) type Proof = [u8; 32];

/// A job's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The secret of these bytes; white space around them does not count.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(bytes.trim_ascii().to_vec())
    }

    /// 32 random bytes in hexadecimal digits, by the system's generator.
    ///
    /// # Errors
    /// A system that has none.
    pub fn random() -> std::io::Result<String> {
        Ok(nonce()?.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether there is one at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// HMAC-SHA-256 (RFC 2104) of who proves it and of both nonces: a proof serves one side of one connection.
    pub(super) fn prove(&self, who: &str, client: &Nonce, server: &Nonce) -> Proof {
        self.mac(who, client, server).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
    }

    /// Whether `proof` is that of the other side; takes as long whether it is or not.
    pub(super) fn accepts(&self, proof: &Proof, who: &str, client: &Nonce, server: &Nonce) -> bool {
        self.mac(who, client, server).is_some_and(|mac| mac.verify_slice(proof).is_ok())
    }

    fn mac(&self, who: &str, client: &Nonce, server: &Nonce) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(who.as_bytes());
        mac.update(client);
        mac.update(server);
        Some(mac)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Bytes that nobody can guess.
pub(super) fn nonce() -> std::io::Result<Nonce> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_serves_one_side_of_one_connection() {
        let (one, other) = (Secret::new(b"one\n"), Secret::new(b"other"));
        let (client, server) = (nonce().unwrap(), nonce().unwrap());
        let proof = one.prove("client", &client, &server);
        assert!(Secret::new(b" one").accepts(&proof, "client", &client, &server));
        for (secret, who, client, server) in [
            (&other, "client", &client, &server),
            (&one, "server", &client, &server),
            (&one, "client", &server, &client),
            (&one, "client", &client, &nonce().unwrap()),
        ] {
            assert!(!secret.accepts(&proof, who, client, server));
        }
        assert_eq!(format!("{one:?}"), "Secret");
        assert_ne!(Secret::random().unwrap(), Secret::random().unwrap());
    }

    #[test]
    fn a_proof_is_the_hmac_of_who_and_both_nonces() {
        // By another implementation of HMAC-SHA-256.
        let proof = Secret::new(b"key").prove("client", &[1; 32], &[2; 32]);
        let hex: String = proof.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "a74f10e7c533ad732fe5bf2a6f59e8a09f92effa4acaca0f87fcdbe8007898f8");
    }
}
