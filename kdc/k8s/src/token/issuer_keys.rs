//! The keys by which the API server signs tokens, as it publishes them (`/.well-known/openid-configuration`, `/openid/v1/jwks`).
//! A token that they do not verify never reaches the API server, whatever number of them strangers send.

use crate::token::jwt::Jwt;
use crate::token::public_key::{JsonWebKey, PublicKey, SignatureAlgorithm};
use kennel_core::enrolment::EnrolmentRefusal;
use kube::Client;
use rustls::crypto::WebPkiSupportedAlgorithms;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/openid/v1/jwks";

/// Interval at which the keys are fetched anew.
const REFRESH: Duration = Duration::from_secs(600);
/// Pause after a fetch that failed.
const RETRY: Duration = Duration::from_secs(5);
/// Least time between two fetches because of a key that is not known: an API server that has begun to sign with a new key is
/// followed, and tokens with invented keys cost little.
const UNKNOWN: Duration = Duration::from_secs(10);
/// Time limit of a fetch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time after its end in which a token is still left to the API server's judgement, seconds: the clocks may differ.
const SKEW: i64 = 300;

/// What is known of a token before the API server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenProof {
    /// The API server has signed the token for our audience.
    Signed {
        /// Namespace of the account.
        namespace: String,
    },
    /// Only the API server can tell: its keys are not known yet, or it signs with an algorithm that is not verified here, or
    /// under an older name of its own.
    Unverifiable,
}

/// The keys of the API server.
pub struct IssuerKeys {
    client: Client,
    supported: WebPkiSupportedAlgorithms,
    published: RwLock<Option<Arc<Published>>>,
    /// Time of the last fetch. One fetch runs at a time.
    fetched: Mutex<Option<Instant>>,
}

/// The issuer and its keys, of one fetch.
struct Published {
    issuer: String,
    keys: Vec<PublicKey>,
    /// Keys of kinds that are not verified here.
    unreadable: usize,
    begun: Instant,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<JsonWebKey>,
}

impl IssuerKeys {
    /// Knows no keys yet. `supported`: the algorithms of the process's TLS.
    #[must_use]
    pub fn new(client: Client, supported: WebPkiSupportedAlgorithms) -> IssuerKeys {
        IssuerKeys { client, supported, published: RwLock::new(None), fetched: Mutex::new(None) }
    }

    /// Fetches the keys, and again from time to time. Runs without end.
    pub async fn follow(&self) {
        loop {
            let fetched = self.fetch(&mut *self.fetched.lock().await).await;
            sleep(if fetched { REFRESH } else { RETRY }).await;
        }
    }

    /// Checks a token for an audience without the API server. `now`: seconds since the epoch.
    ///
    /// # Errors
    /// The API server would refuse the token, or its key is not published yet.
    pub async fn prove(&self, token: &str, audience: &str, now: i64) -> Result<TokenProof, EnrolmentRefusal> {
        let asked = Instant::now();
        let jwt = Jwt::parse(token).ok_or(EnrolmentRefusal::TokenMalformed)?;
        if !jwt.claims.audience.has(audience) {
            return Err(EnrolmentRefusal::TokenOfOtherAudience);
        }
        if now > jwt.claims.end.saturating_add(SKEW) {
            return Err(EnrolmentRefusal::TokenExpired);
        }
        let Some(mut published) = self.published() else { return Ok(TokenProof::Unverifiable) };
        if !published.may_have(&jwt) && self.fetch_for_unknown(asked).await {
            published = self.published().unwrap_or(published);
        }
        published.prove(&jwt, &self.supported, published.begun >= asked)
    }

    fn published(&self) -> Option<Arc<Published>> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys because one is not known. False: they were not fetched since `asked`.
    async fn fetch_for_unknown(&self, asked: Instant) -> bool {
        let mut last = self.fetched.lock().await;
        if self.published().is_some_and(|published| published.begun >= asked) {
            return true;
        }
        if last.is_some_and(|last| last.elapsed() < UNKNOWN) {
            return false;
        }
        self.fetch(&mut last).await
    }

    async fn fetch(&self, last: &mut Option<Instant>) -> bool {
        let begun = Instant::now();
        *last = Some(begun);
        let both = async { Ok((self.ask::<Discovery>(DISCOVERY).await?, self.ask::<KeySet>(KEYS).await?)) };
        let answer: kube::Result<_> = match timeout(PATIENCE, both).await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::warn!("the API server does not publish its keys in time: trying again");
                return false;
            }
        };
        match answer {
            Ok((discovery, set)) => {
                let keys: Vec<PublicKey> = set.keys.iter().filter_map(PublicKey::parse).collect();
                let unreadable = set.keys.len().saturating_sub(keys.len());
                tracing::debug!(issuer = discovery.issuer, keys = keys.len(), "the API server's keys are known");
                let published = Published { issuer: discovery.issuer, keys, unreadable, begun };
                *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
                true
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "the API server does not publish the keys of its tokens: only few tokens are reviewed (see \
                     deploy/base/rbac.yaml)"
                );
                false
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> kube::Result<T> {
        let request = http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}

impl Published {
    /// Whether a key is known that may have signed the token.
    fn may_have(&self, jwt: &Jwt<'_>) -> bool {
        self.candidates(jwt).next().is_some()
    }

    fn candidates(&self, jwt: &Jwt<'_>) -> impl Iterator<Item = &PublicKey> {
        let id = jwt.header.kid.clone();
        self.keys.iter().filter(move |key| id.is_none() || key.id == id)
    }

    /// `is_new`: the keys were fetched after the token came.
    fn prove(
        &self,
        jwt: &Jwt<'_>,
        supported: &WebPkiSupportedAlgorithms,
        is_new: bool,
    ) -> Result<TokenProof, EnrolmentRefusal> {
        let Some(algorithm) = SignatureAlgorithm::parse(&jwt.header.alg) else {
            // A stranger may name any algorithm, so the API server's keys must say that it may use another.
            let may_be = self.unreadable > 0;
            return if may_be { Ok(TokenProof::Unverifiable) } else { Err(EnrolmentRefusal::TokenSignatureInvalid) };
        };
        if !self.may_have(jwt) && !is_new {
            return Err(EnrolmentRefusal::TokenKeyUnknown);
        }
        let signed = jwt.signed.as_bytes();
        if !self.candidates(jwt).any(|key| key.verifies(algorithm, signed, &jwt.signature, supported)) {
            return Err(EnrolmentRefusal::TokenSignatureInvalid);
        }
        if jwt.claims.issuer != self.issuer || jwt.claims.kubernetes.namespace.is_empty() {
            return Ok(TokenProof::Unverifiable);
        }
        Ok(TokenProof::Signed { namespace: jwt.claims.kubernetes.namespace.clone() })
    }
}
