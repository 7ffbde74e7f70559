//! The parts of a JSON Web Token (RFC 7515, section 7.1; RFC 7519) as Kubernetes makes them for service accounts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A token that can be read. Nothing is verified yet.
pub(super) struct Jwt<'a> {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// The octets under the signature: header and claims as they were sent.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "iss", default)]
    pub(super) issuer: String,
    #[serde(rename = "aud", default)]
    pub(super) audience: Audience,
    /// Seconds since the epoch. Old tokens without an end have no audience either.
    #[serde(rename = "exp", default)]
    pub(super) end: i64,
    #[serde(rename = "kubernetes.io", default)]
    pub(super) kubernetes: KubernetesClaims,
}

/// One audience, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Default for Audience {
    fn default() -> Audience {
        Audience::Several(Vec::new())
    }
}

impl Audience {
    pub(super) fn has(&self, wanted: &str) -> bool {
        match self {
            Audience::One(one) => one == wanted,
            Audience::Several(several) => several.iter().any(|one| one == wanted),
        }
    }
}

#[derive(Deserialize, Default)]
pub(super) struct KubernetesClaims {
    #[serde(default)]
    pub(super) namespace: String,
}

impl<'a> Jwt<'a> {
    /// Reads a token in compact form. `None`: it is none.
    pub(super) fn parse(token: &'a str) -> Option<Jwt<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Jwt { header: json(header)?, claims: json(claims)?, signed, signature })
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        [header, claims, "sig"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
    }

    #[test]
    fn a_token_of_kubernetes_is_read() {
        let claims = r#"{"aud":["a","kennel://R"],"exp":2000,"iss":"https://k","kubernetes.io":{"namespace":"shop"}}"#;
        let token = token(r#"{"alg":"RS256","kid":"k1"}"#, claims);
        let jwt = Jwt::parse(&token).unwrap();
        assert_eq!((&*jwt.header.alg, jwt.header.kid.as_deref()), ("RS256", Some("k1")));
        assert!(jwt.claims.audience.has("kennel://R") && !jwt.claims.audience.has("kennel://r"));
        assert_eq!((jwt.claims.end, &*jwt.claims.kubernetes.namespace), (2000, "shop"));
        assert_eq!((jwt.signature.as_slice(), token.starts_with(jwt.signed)), (&b"sig"[..], true));
    }

    #[test]
    fn claims_that_a_token_lacks_are_empty() {
        let token = token(r#"{"alg":"ES256"}"#, r#"{"aud":"one"}"#);
        let jwt = Jwt::parse(&token).unwrap();
        assert!(jwt.claims.audience.has("one") && jwt.header.kid.is_none());
        assert_eq!((jwt.claims.end, &*jwt.claims.issuer), (0, ""));
    }

    #[test]
    fn what_is_no_token_is_none() {
        let (header, claims) = (r#"{"alg":"RS256"}"#, "{}");
        for text in ["", "a", "a.b", "a.b.c", "..", &token("[", claims), &token(header, "{"), &token("{}", claims)] {
            assert!(Jwt::parse(text).is_none(), "{text}");
        }
        assert!(Jwt::parse(&format!("x.{}", token(header, claims))).is_none(), "four parts");
    }
}
