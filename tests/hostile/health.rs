//! A good client of metrics and health: a probe as the kubelet makes it, on a new connection each time, with its time limit.

use crate::good::Watched;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The kubelet's default time limit of a probe.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// The prober.
pub(crate) struct HealthClient {
    pub(crate) port: u16,
}

impl HealthClient {
    /// Probes for so long.
    pub(crate) fn watch(&self, lasting: Duration) -> Watched {
        Watched::repeat(lasting, PAUSE, || self.is_ready().unwrap_or(false))
    }

    fn is_ready(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: kdc\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    }
}
