//! TLS of the HTTPS interfaces. The certificate comes from Kennel's own authority and is renewed automatically, or from files that
//! the operator supplies and replaces.
//!
//! | module | what |
//! |---|---|
//! | [`authority`] | a certificate authority of Kennel's own |
//! | [`authorities`] | the one that signs, and its successor or predecessor |
//! | [`roll_over`] | when one follows the other: pure |
//! | [`key`] | P-256 keys |
//! | [`files`] | the operator's files |
//! | [`public`] | certificates that everybody may read |

pub(crate) mod authorities;
pub(crate) mod authority;
pub(crate) mod files;
mod key;
mod public;
pub(crate) mod roll_over;

use crate::error::ListenError;
use crate::tls::authorities::Authorities;
use crate::tls::authority::{SKEW, validity};
use crate::tls::files::CertificateFiles;
use crate::tls::roll_over::Lives;
use arc_swap::ArcSwap;
use rand::RngCore;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex, PoisonError};

/// The current serving certificate, and the source of the next one.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    resolver: Arc<Resolver>,
    source: Mutex<Source>,
}

enum Source {
    Own { authorities: Authorities, names: Vec<String>, lives: Lives, made: i64 },
    Given(CertificateFiles),
}

#[derive(Debug)]
struct Resolver(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Issues a certificate for `names` (DNS names and IP addresses) under Kennel's own authority. `now`: seconds since the epoch.
    ///
    /// # Errors
    /// [`ListenError::HostName`], [`ListenError::Clock`], or an error of the certificate itself.
    pub fn own(
        authorities: Authorities,
        names: Vec<String>,
        lives: Lives,
        now: i64,
        rng: &mut impl RngCore,
    ) -> Result<Tls, ListenError> {
        let provider = provider();
        let certified = authorities.signing.issue(&names, now, lives.certificate, &provider, rng)?;
        let source = Source::Own { authorities, names, lives, made: now };
        Ok(Tls::serving(provider, certified, source))
    }

    /// Takes up authorities after a step of their roll-over: publishes their certificates, and serves one of the authority that signs
    /// now. No effect on the operator's certificate.
    ///
    /// # Errors
    /// As [`Tls::own`]; everything stays as it was then.
    pub fn roll_over(&self, to: Authorities, at: i64, rng: &mut impl RngCore) -> Result<(), ListenError> {
        let mut source = self.lock();
        let Source::Own { authorities, names, lives, made } = &mut *source else { return Ok(()) };
        if !Arc::ptr_eq(&authorities.signing, &to.signing) {
            let certified = to.signing.issue(names, at, lives.certificate, &self.provider, rng)?;
            self.resolver.0.store(Arc::new(certified));
            *made = at;
        }
        *authorities = to;
        Ok(())
    }

    /// Serves the operator's certificate.
    ///
    /// # Errors
    /// [`ListenError`] of the file that cannot be used.
    pub fn given(mut files: CertificateFiles) -> Result<Tls, ListenError> {
        let provider = provider();
        let certified = files.read(&provider)?;
        Ok(Tls::serving(provider, certified, Source::Given(files)))
    }

    fn serving(provider: Arc<CryptoProvider>, certified: CertifiedKey, source: Source) -> Tls {
        let resolver = Arc::new(Resolver(ArcSwap::from_pointee(certified)));
        Tls { provider, resolver, source: Mutex::new(source) }
    }

    /// Returns the configuration for listeners, which always serve the current certificate.
    ///
    /// # Errors
    /// [`ListenError::Tls`] where the provider supports no version of TLS.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, ListenError> {
        let builder =
            ServerConfig::builder_with_provider(self.provider.clone()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.resolver.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The CA certificates that clients trust, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        match &*self.lock() {
            Source::Own { authorities, .. } => authorities.pem(),
            Source::Given(files) => files.public().map(|public| public.pem().to_owned()).unwrap_or_default(),
        }
    }

    /// Expiry of the serving certificate, seconds since the epoch.
    #[must_use]
    pub fn expiry(&self) -> Option<i64> {
        self.resolver.0.load().cert.first().and_then(|leaf| Some(validity(leaf)?.not_after))
    }

    /// Expiry of the CA certificate that clients trust (of Kennel's own, the one that signs), seconds since the epoch.
    #[must_use]
    pub fn authority_expiry(&self) -> Option<i64> {
        CertificateDer::from_pem_slice(self.ca_pem().as_bytes()).ok().and_then(|ca| Some(validity(&ca)?.not_after))
    }

    /// Renews a certificate that is due, and reads changed files. The caller repeats this every few minutes. `now`: seconds since
    /// the epoch. After an error the present certificate is served on, and the next call tries again.
    pub fn check(&self, now: i64, rng: &mut impl RngCore) {
        let mut source = self.lock();
        let certified = match &mut *source {
            // Issues anew also where the clock was set back: the present certificate is then not valid yet.
            Source::Own { made, lives, .. } if (*made - SKEW..*made + lives.renewed_after()).contains(&now) => Ok(None),
            Source::Own { authorities, names, lives, made } => {
                let certified = authorities.signing.issue(names, now, lives.certificate, &self.provider, rng);
                certified.map(|certified| {
                    *made = now;
                    Some(certified)
                })
            }
            Source::Given(files) => files.read_changed(&self.provider),
        };
        match certified {
            Ok(Some(certified)) => {
                self.resolver.0.store(Arc::new(certified));
                tracing::info!("the serving certificate was replaced");
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "the serving certificate cannot be replaced: the old one is served on")
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the cryptography of TLS, which is pure Rust.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls_graviola::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::roll_over::RollOverStep;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
    use std::io::{Read, Write};

    const NOW: i64 = 1_795_449_600;

    fn own() -> Tls {
        own_of(Authorities::generate("R", NOW, Lives::DEFAULT, &mut rand::rngs::OsRng).unwrap())
    }

    fn own_of(authorities: Authorities) -> Tls {
        let names = vec!["kdc.test".into(), "127.0.0.1".into()];
        Tls::own(authorities, names, Lives::DEFAULT, now(), &mut rand::rngs::OsRng).unwrap()
    }

    fn now() -> i64 {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since_epoch.as_secs().try_into().unwrap()
    }

    /// Does a handshake and sends an octet to the server. Returns the certificate that was served.
    fn talk(tls: &Tls, name: &str) -> Result<CertificateDer<'static>, rustls::Error> {
        talk_trusting(tls, name, &tls.ca_pem())
    }

    fn talk_trusting(tls: &Tls, name: &str, ca: &str) -> Result<CertificateDer<'static>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap())?;
        let mut server = ServerConnection::new(tls.server_config().unwrap())?;
        client.writer().write_all(b"a").unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &*wire).unwrap();
            server.process_new_packets()?;
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &*wire).unwrap();
            client.process_new_packets()?;
        }
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut &*wire).unwrap();
        server.process_new_packets()?;
        let mut octet = [0];
        server.reader().read_exact(&mut octet).unwrap();
        assert_eq!(&octet, b"a");
        Ok(client.peer_certificates().unwrap()[0].clone().into_owned())
    }

    #[test]
    fn a_client_that_trusts_the_authority_reaches_the_names_that_are_served_and_no_other() {
        let tls = own();
        talk(&tls, "kdc.test").unwrap();
        talk(&tls, "127.0.0.1").unwrap();
        assert!(talk(&tls, "other.test").is_err());
    }

    #[test]
    fn the_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
        let tls = own();
        let first = talk(&tls, "kdc.test").unwrap();
        tls.check(now() + Lives::DEFAULT.certificate / 2, &mut rand::rngs::OsRng);
        assert_eq!(talk(&tls, "kdc.test").unwrap(), first);
        tls.check(now() + Lives::DEFAULT.renewed_after() + 1, &mut rand::rngs::OsRng);
        let ahead = tls.resolver.0.load().cert[0].clone();
        assert_ne!(ahead, first);
        tls.check(now(), &mut rand::rngs::OsRng);
        assert_ne!(tls.resolver.0.load().cert[0], ahead, "the clock was set back: it is not valid yet");
        talk(&tls, "kdc.test").unwrap();
    }

    #[test]
    fn the_ends_of_certificate_and_authority_are_known() {
        let tls = own();
        let days = |end: Option<i64>| (end.unwrap() - now() + 60) / 86_400;
        assert_eq!(days(tls.expiry()), 30);
        assert!(days(tls.authority_expiry()) > 3600);
        assert_eq!(validity(b"no certificate"), None);
    }

    #[test]
    fn a_client_that_has_what_was_published_reaches_the_server_through_every_step_of_a_roll_over() {
        let rng = &mut rand::rngs::OsRng;
        let mut authorities = Authorities::generate("R", NOW, Lives::DEFAULT, rng).unwrap();
        let tls = own_of(authorities.clone());
        let mut known = tls.ca_pem();
        for (step, certificates) in [(RollOverStep::Announce, 2), (RollOverStep::Sign, 2), (RollOverStep::Forget, 1)] {
            authorities = authorities.after(step, now(), Lives::DEFAULT, rng).unwrap();
            tls.roll_over(authorities.clone(), now(), rng).unwrap();
            let served = talk_trusting(&tls, "kdc.test", &known).unwrap();
            known = tls.ca_pem();
            assert_eq!(CertificateDer::pem_slice_iter(known.as_bytes()).count(), certificates, "{step:?}");
            assert_eq!(talk(&tls, "kdc.test").unwrap(), served, "{step:?}");
        }
        assert!(talk_trusting(&tls, "kdc.test", &own().ca_pem()).is_err(), "another authority");
    }

    #[test]
    fn a_serving_certificate_ends_with_its_authority_at_the_latest() {
        let lives = Lives { authority: 86_400, certificate: 30 * 86_400 };
        let tls = own_of(Authorities::generate("R", now(), lives, &mut rand::rngs::OsRng).unwrap());
        assert_eq!(tls.expiry(), tls.authority_expiry());
    }

    #[test]
    fn openssl_accepts_what_we_make() {
        let dir = tempfile::tempdir().unwrap();
        let tls = own();
        let leaf = talk(&tls, "kdc.test").unwrap();
        std::fs::write(dir.path().join("leaf.der"), &leaf).unwrap();
        std::fs::write(dir.path().join("ca.pem"), tls.ca_pem()).unwrap();
        let openssl = |arguments: &str| {
            let mut command = std::process::Command::new("openssl");
            let output = command.args(arguments.split(' ')).current_dir(dir.path()).output().unwrap();
            assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        openssl("x509 -inform DER -in leaf.der -out leaf.pem");
        openssl("verify -x509_strict -purpose sslserver -CAfile ca.pem leaf.pem");
        let ca = openssl("x509 -in ca.pem -noout -text");
        assert!(ca.contains("Kennel CA of R") && ca.contains("CA:TRUE, pathlen:0"), "{ca}");
        let leaf = openssl("x509 -in leaf.pem -noout -text");
        assert!(
            leaf.contains("DNS:kdc.test, IP Address:127.0.0.1") && leaf.contains("TLS Web Server Authentication"),
            "{leaf}"
        );
    }
}
