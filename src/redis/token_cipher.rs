//! Encryption of the tokens that are kept in Redis, by XChaCha20-Poly1305.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Payload},
};
use secrecy::{ExposeSecret, SecretBox};

use crate::oauth::store::StoredToken;

/// What precedes every ciphertext; another format would have another.
const VERSION: u8 = 1;
/// Long enough to be chosen at random for ever.
const NONCE: usize = 24;

pub(super) struct TokenCipher {
    key: SecretBox<[u8; 32]>,
    /// What the token belongs to: the ciphertext of another account, or app, does not decrypt.
    belongs_to: Vec<u8>,
}

impl TokenCipher {
    pub(super) fn new(key: [u8; 32], client_id: &str, account: &str) -> Self {
        // With the length, no two pairs read the same.
        let belongs_to = format!("{}:{client_id}{account}", client_id.len()).into_bytes();
        Self { key: SecretBox::new(Box::new(key)), belongs_to }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }

    pub(super) fn encrypt(&self, token: &StoredToken) -> Result<Vec<u8>, &'static str> {
        let nonce = XNonce::try_generate().map_err(|_| "the system gives no random bytes")?;
        let payload = Payload { msg: token.expose().as_bytes(), aad: &self.belongs_to };
        let sealed = self.cipher().encrypt(&nonce, payload).map_err(|_| "the token cannot be encrypted")?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    pub(super) fn decrypt(&self, sealed: &[u8]) -> Result<StoredToken, &'static str> {
        const REFUSED: &str = "the token kept there cannot be decrypted: it was encrypted with another key, or changed";
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(REFUSED)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>().ok_or(REFUSED)?;
        let payload = Payload { msg, aad: &self.belongs_to };
        let text = self.cipher().decrypt(nonce.into(), payload).map_err(|_| REFUSED)?;
        String::from_utf8(text).map(StoredToken::new).map_err(|_| REFUSED)
    }
}
