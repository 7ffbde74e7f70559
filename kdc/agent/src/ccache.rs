//! Writes a new ticket-granting ticket into a credential cache that other programs use. Stock libraries keep service tickets
//! in the same file, and append them under a lock of the whole file. The agent keeps those that are still good, and takes
//! the same lock, so that none is lost between reading and replacing. A program that has the old file open still reads all
//! of it.

use crate::write::{FileAccess, replace};
use anyhow::Context;
use kennel_wire::ccache::{Ccache, CcacheEntry};
use kennel_wire::message::KerberosTime;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Attempts to take the lock, and the pause between them: a library holds the lock for the time of one write.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(50);

/// Replaces the cache with the one of an enrolment, and keeps the service tickets that are still good.
pub(crate) async fn refresh(path: &Path, new: &[u8], now: KerberosTime, made: FileAccess) -> anyhow::Result<()> {
    let fresh = Ccache::decode(new).ok().context("the KDC sent a credential cache that cannot be read")?;
    // Held until the new file is there; closing the old file releases the lock.
    let locked = lock(path).await;
    // A file that is torn, or of another program's format, is replaced.
    let old = std::fs::read(path).ok().and_then(|octets| Ccache::decode(&octets).ok());
    let merged = old.map_or(fresh.clone(), |old| merged(fresh, old, now));
    replace(path, &merged.encode(), made)?;
    drop(locked);
    Ok(())
}

/// Opens the file and locks it as libkrb5 does. After [`TRIES`] attempts the refresh continues without the lock: a service
/// ticket that is lost in this moment is fetched again, while a ticket-granting ticket that is not refreshed ends.
async fn lock(path: &Path) -> Option<File> {
    let file = File::options().read(true).write(true).open(path).ok()?;
    for _ in 0..TRIES {
        if try_lock(&file) {
            return Some(file);
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!(path = %path.display(), "another program keeps the lock of the credential cache; the cache is refreshed without the lock");
    None
}

fn try_lock(file: &File) -> bool {
    let whole =
        libc::flock { l_type: libc::F_WRLCK as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: 0 };
    // A lock of the open file, as libkrb5 takes it: it conflicts with locks of processes as well.
    fcntl(file, FcntlArg::F_OFD_SETLK(&whole)).is_ok()
}

/// The fresh ticket first, then the service tickets of the same client that are still good.
fn merged(fresh: Ccache, old: Ccache, now: KerberosTime) -> Ccache {
    let same_client = old.principal == fresh.principal;
    let is_fresh = |there: &CcacheEntry| fresh.credentials.iter().any(|new| new.server == there.server);
    let keep = |there: &CcacheEntry| same_client && !is_fresh(there) && (there.is_config() || there.endtime > now);
    let kept: Vec<CcacheEntry> = old.credentials.into_iter().filter(keep).collect();
    let credentials = fresh.credentials.iter().cloned().chain(kept).collect();
    Ccache { credentials, ..fresh }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{EncryptionKey, Principal, TicketFlags};
    use zeroize::Zeroizing;

    const NOW: KerberosTime = KerberosTime(1000);
    const MADE: FileAccess = FileAccess { mode: 0o600, group: None, owner: None };

    fn credential(server: &str, end: i64, ticket: &[u8]) -> CcacheEntry {
        let name = |text: &str| Principal::parse(text, "R").unwrap();
        CcacheEntry {
            client: name("cart.shop"),
            server: name(server),
            key: EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![0; 32]) },
            authtime: KerberosTime(1),
            starttime: KerberosTime(1),
            endtime: KerberosTime(end),
            renew_till: KerberosTime(0),
            is_skey: false,
            flags: TicketFlags::empty(),
            addresses: Vec::new(),
            authdata: Vec::new(),
            ticket: ticket.to_vec(),
            second_ticket: Vec::new(),
        }
    }

    fn cache(client: &str, credentials: Vec<CcacheEntry>) -> Ccache {
        Ccache { kdc_offset: None, principal: Principal::parse(client, "R").unwrap(), credentials }
    }

    fn servers(cache: &Ccache) -> Vec<String> {
        cache.credentials.iter().map(|c| c.server.name.components.join("/")).collect()
    }

    #[test]
    fn service_tickets_stay_as_long_as_they_are_good() {
        let old = cache(
            "cart.shop",
            vec![
                credential("krbtgt/R", 2000, b"old"),
                credential("HTTP/web", 2000, b"s"),
                credential("HTTP/past", 999, b"s"),
            ],
        );
        let fresh = cache("cart.shop", vec![credential("krbtgt/R", 9000, b"new")]);
        let merged = merged(fresh, old, NOW);
        assert_eq!(servers(&merged), ["krbtgt/R", "HTTP/web"]);
        assert_eq!(merged.credentials[0].ticket, b"new");
    }

    #[test]
    fn tickets_of_another_client_go() {
        let old = cache("web.shop", vec![credential("HTTP/web", 2000, b"s")]);
        let fresh = cache("cart.shop", vec![credential("krbtgt/R", 9000, b"new")]);
        assert_eq!(servers(&merged(fresh, old, NOW)), ["krbtgt/R"]);
    }

    #[tokio::test]
    async fn a_torn_cache_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ccache");
        std::fs::write(&path, b"\x05\x04torn").unwrap();
        let fresh = cache("cart.shop", vec![credential("krbtgt/R", 9000, b"new")]).encode();
        refresh(&path, &fresh, NOW, MADE).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), *fresh);
    }

    #[tokio::test]
    async fn a_ticket_that_is_appended_under_the_lock_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ccache");
        std::fs::write(&path, &*cache("cart.shop", vec![credential("krbtgt/R", 2000, b"old")]).encode()).unwrap();
        let held = File::options().read(true).write(true).open(&path).unwrap();
        assert!(try_lock(&held));
        let more = cache("cart.shop", vec![credential("krbtgt/R", 2000, b"old"), credential("HTTP/web", 2000, b"s")]);
        let (path_of_other, more) = (path.clone(), more.encode());
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            std::fs::write(path_of_other, &*more).unwrap();
            drop(held);
        });
        let fresh = cache("cart.shop", vec![credential("krbtgt/R", 9000, b"new")]).encode();
        refresh(&path, &fresh, NOW, MADE).await.unwrap();
        other.join().unwrap();
        let after = Ccache::decode(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(servers(&after), ["krbtgt/R", "HTTP/web"]);
    }
}
