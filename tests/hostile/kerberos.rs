//! A good client of the KDC: every ten milliseconds an AS request and a TGS request over TCP, as pods are told to ask, and the
//! same over UDP. A datagram that is lost where more come in than are taken out is asked for again after a second, as libkrb5
//! does it; here it counts as lost.

use crate::good::Watched;
use anyhow::Result;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_client::{AsRequest, Credential, TgsExchange, TgsRequest};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::{Tcp, Udp};
use rand::rngs::OsRng;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);
/// libkrb5 asks again after so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who asks, with a TGT that was got before anything hostile began.
pub(crate) struct KerberosClient {
    actors: Actors,
    tgt: Credential,
    port: u16,
}

impl KerberosClient {
    pub(crate) fn new(port: u16) -> Result<KerberosClient> {
        let actors = Actors::new("TEST.KENNEL", "alice", "secret", "HTTP/web.shop")?;
        let (tgt, _) = actors.log_in(&mut Udp::connect(port)?)?;
        Ok(KerberosClient { actors, tgt, port })
    }

    /// Asks for so long, over TCP and UDP.
    pub(crate) fn watch(&self, lasting: Duration) -> Result<(Watched, Watched)> {
        let (mut tcp, mut udp) = (Watched::default(), Watched::default());
        let end = Instant::now() + lasting;
        while Instant::now() < end {
            for (request, tag) in self.requests() {
                let begun = Instant::now();
                let answer = Tcp::new(self.port).ask(&request);
                tcp.take(begun, answer.is_ok_and(|answer| answer.is_some_and(|a| a.first() == Some(&tag))));
                let begun = Instant::now();
                let mut socket = Udp::with_patience(self.port, PATIENCE)?;
                udp.take(begun, socket.ask(&request).is_ok_and(|answer| answer.first() == Some(&tag)));
            }
            std::thread::sleep(PAUSE);
        }
        Ok((tcp.sorted(), udp.sorted()))
    }

    /// Requests and the first octets of their right answers.
    fn requests(&self) -> [(Vec<u8>, u8); 2] {
        let (now, initial) = (system_now(), AsRequest::new(self.actors.user.clone()));
        let initial = dangerous_as_request(dangerous_as_body(&initial, now, &mut OsRng), Vec::new());
        let request = TgsRequest::new(self.actors.service.clone());
        let granting = TgsExchange::begin(&self.tgt, &request, now, &mut OsRng).1;
        [(initial, 0x7e), (granting, 0x6d)]
    }
}
