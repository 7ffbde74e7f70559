//! The bearer token of a request (RFC 6750, section 2.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Longest token, octets. Tokens of the API server have about a thousand.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Returns the bearer token, unless it is longer than [`LONGEST_TOKEN`].
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_token_is_a_bearer_s_and_of_bounded_length() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc"), Some("abc".into()));
        assert_eq!(of("bearer  abc "), Some("abc".into()));
        for none in ["Basic abc", "Bearer", "Bearer ", &format!("Bearer {}", "a".repeat(LONGEST_TOKEN + 1))] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
