//! The certificate of the HTTPS listener while it serves: renewed in time, and with Kennel's own authorities, one following the other.
//! A step is in the file before anybody sees it, so that a process that was killed goes on from there.

use crate::clock;
use crate::config::cluster::EnrolmentSettings;
use crate::serve::authority_file::AuthorityFile;
use crate::serve::store::make_private_folder;
use anyhow::Context;
use kennel_listen::{Authorities, CertificateFiles, Lives, RollOverStep, Tls};
use rand::rngs::OsRng;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Interval at which it is checked what is due, and at which the operator's files are read again.
const CHECK: Duration = Duration::from_secs(60);

/// The certificate, and the authorities where they are Kennel's own.
pub(crate) struct Certificates {
    tls: Arc<Tls>,
    own: Option<OwnAuthorities>,
}

struct OwnAuthorities {
    authorities: Authorities,
    file: Arc<AuthorityFile>,
    lives: Lives,
    /// Since when this process publishes the present ones.
    published: Instant,
}

impl Certificates {
    /// Reads the operator's certificate, or issues one under the authority of the file.
    pub(crate) fn prepare(settings: &EnrolmentSettings, file: &Arc<AuthorityFile>) -> anyhow::Result<Certificates> {
        if let Some(given) = &settings.certificate {
            let ca = given.ca.clone().unwrap_or_else(|| given.certificate.clone());
            let tls = Tls::given(CertificateFiles::new(given.certificate.clone(), given.key.clone(), ca))?;
            return Ok(Certificates { tls: Arc::new(tls), own: None });
        }
        if let Some(folder) = file.path().parent() {
            make_private_folder(folder)?;
        }
        let (now, lives) = (clock::now().time.0, settings.lives());
        let authorities = file.open_or_create(now, lives)?;
        let tls = Tls::own(authorities.clone(), settings.names.clone(), lives, now, &mut OsRng);
        let tls = Arc::new(tls.context("enrolment.names")?);
        let own = OwnAuthorities { authorities, file: file.clone(), lives, published: Instant::now() };
        Ok(Certificates { tls, own: Some(own) })
    }

    /// The certificate that is served.
    pub(crate) fn tls(&self) -> &Arc<Tls> {
        &self.tls
    }

    /// Does what is due, without end. `changed`: the certificates that clients are to trust are others now.
    pub(crate) async fn keep(mut self, changed: impl Fn()) {
        loop {
            tokio::time::sleep(self.interval()).await;
            let now = clock::now().time.0;
            match tokio::task::block_in_place(|| self.roll_over(now)) {
                Ok(false) => {}
                Ok(true) => changed(),
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "the certificate authority is not rolled over: the KDC tries again"
                ),
            }
            self.tls.check(now, &mut OsRng);
        }
    }

    /// An interval that leaves several checks to each part of a life.
    fn interval(&self) -> Duration {
        let shortest = self.own.as_ref().map(|own| own.lives.spread() / 4);
        CHECK.min(shortest.unwrap_or(CHECK)).max(Duration::from_millis(100))
    }

    /// Takes the step that is due. Returns whether clients are to trust other certificates now.
    fn roll_over(&mut self, now: i64) -> anyhow::Result<bool> {
        let Some(own) = &mut self.own else { return Ok(false) };
        let Some(step) = own.authorities.due(now, own.published.elapsed(), own.lives) else { return Ok(false) };
        let after = own.authorities.after(step, now, own.lives, &mut OsRng)?;
        own.file.write(&after)?;
        self.tls.roll_over(after.clone(), now, &mut OsRng)?;
        own.authorities = after;
        match step {
            RollOverStep::Announce => {
                tracing::info!("the next certificate authority is published, and does not sign yet")
            }
            RollOverStep::Sign => tracing::info!("the next certificate authority signs"),
            RollOverStep::Forget => {
                tracing::info!("the certificate authority that does not sign is published no longer")
            }
        }
        if step != RollOverStep::Sign {
            own.published = Instant::now();
        }
        Ok(step != RollOverStep::Sign)
    }
}
