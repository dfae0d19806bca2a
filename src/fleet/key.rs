//! Ed25519 keys of the fleet's operator (RFC 8032): the public ones that terminals know, and the
//! private one, which never is on a terminal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Length of a public key, in bytes (RFC 8032 §5.1.5).
const PUBLIC_LEN: usize = 32;
/// How much of a key's hash is its name, in bytes.
const NAME_LEN: usize = 8;
/// Characters in a line of PEM (RFC 7468 §2).
const PEM_LINE_LEN: usize = 64;

/// Why something is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no public key.
    #[error("{0:?} is no Ed25519 public key: 32 bytes as base64, as `fleet key` prints it")]
    Public(String),
    /// It is no private key.
    #[error("it holds no Ed25519 private key (PEM, PKCS#8): {0}; `fleet key` makes one")]
    Private(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a key; try again")]
    NoRandomness,
}

/// What a key is called: the first 16 hexadecimal digits of its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    fn of(key: &[u8]) -> Self {
        let hash = Sha256::digest(key);
        Self(hash.iter().take(NAME_LEN).map(|byte| format!("{byte:02x}")).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that says who has signed an order. Displayed as base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_LEN]);

impl PublicKey {
    /// From 32 bytes in base64.
    ///
    /// # Errors
    /// [`KeyError::Public`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim()).ok();
        let key = bytes.and_then(|bytes| <[u8; PUBLIC_LEN]>::try_from(bytes).ok());
        key.map(Self).ok_or_else(|| KeyError::Public(text.chars().take(PEM_LINE_LEN).collect()))
    }

    /// What it is called.
    pub fn name(&self) -> KeyName {
        KeyName::of(&self.0)
    }

    /// Whether `signature` over `message` was made with this key's private one.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// The key that signs orders. Nothing of it is ever printed.
pub struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    /// A new one, as PEM (PKCS#8): a secret.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn random_pem() -> Result<String, KeyError> {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let text = STANDARD.encode(made.map_err(|_| KeyError::NoRandomness)?);
        let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(PEM_LINE_LEN));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// From PEM (PKCS#8 of either version, so also as `openssl genpkey` makes it).
    ///
    /// # Errors
    /// [`KeyError::Private`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wrong = |why: &dyn fmt::Display| KeyError::Private(why.to_string());
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| wrong(&error))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        pair.map(Self).map_err(|error| wrong(&error))
    }

    /// What terminals must know.
    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("a public key of Ed25519 has 32 bytes"))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_is_never_printed() {
        let pem = PrivateKey::random_pem().expect("random bytes");
        let key = PrivateKey::from_pem(&pem).expect("ours");
        let public = PublicKey::parse(&key.public().to_string()).expect("as printed");
        assert_eq!(public, key.public());
        assert_eq!(public.name().as_str().len(), 16);
        let signature = key.sign(b"text");
        assert!(public.has_signed(b"text", &signature));
        assert!(!public.has_signed(b"texT", &signature));
        assert_eq!(format!("{key:?}"), format!("PrivateKey({})", public.name()));
        // RFC 8410 §10.3, without the public key.
        let foreign = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                       -----END PRIVATE KEY-----\n";
        let foreign = PrivateKey::from_pem(foreign).expect("an example of the standard");
        let public = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        assert_eq!(foreign.public().to_string(), public);
        for wrong in ["", "AAAA", "!", &"A".repeat(44), &public[1..]] {
            assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
        }
        assert!(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----").is_err());
    }
}
