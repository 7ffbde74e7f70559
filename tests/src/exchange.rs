//! Whole AS and TGS exchanges over a plain UDP socket, one after the other, and the requests that they are made of.

use crate::peer::Udp;
use anyhow::{Result, bail};
use kennel_client::client::system_now;
use kennel_client::{AsExchange, AsRequest, AsStep, Credential, Secret, TgsExchange, TgsRequest};
use kennel_wire::message::{KdcOptions, Principal};
use rand::rngs::OsRng;

/// A user with a password, and a service, of a realm.
#[derive(Debug, Clone)]
pub struct Actors {
    /// The client.
    pub user: Principal,
    /// Password or key of the user.
    pub secret: Secret,
    /// The service for which the user requests tickets.
    pub service: Principal,
}

/// Requests as correct clients send them, from which mutations start.
#[derive(Debug, Clone)]
pub struct Originals {
    /// AS-REQs: without and with pre-authentication.
    pub initial: Vec<Vec<u8>>,
    /// TGS-REQs: for a service, renewing, forwarding, user-to-user.
    pub granting: Vec<Vec<u8>>,
}

impl Actors {
    /// Parses the names, which are of one realm.
    ///
    /// # Errors
    /// A name is invalid.
    pub fn new(realm: &str, user: &str, password: &str, service: &str) -> Result<Actors> {
        let user = Principal::parse(user, realm)?;
        let service = Principal::parse(service, realm)?;
        Ok(Actors { user, secret: Secret::password(password), service })
    }

    /// Does an AS exchange. Returns the TGT and the sent requests.
    ///
    /// # Errors
    /// The exchange does not end with a ticket.
    pub fn log_in(&self, peer: &mut Udp) -> Result<(Credential, Vec<Vec<u8>>)> {
        let mut request = AsRequest::new(self.user.clone());
        request.options.flags = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
        request.options.renewable_life = Some(86_400);
        let (mut exchange, first) = AsExchange::begin(request, self.secret.clone(), system_now(), &mut OsRng)?;
        let mut sent = vec![first];
        loop {
            let Some(message) = sent.last() else { bail!("nothing to send") };
            match exchange.receive(peer.ask(message)?, system_now(), &mut OsRng)? {
                AsStep::Send(next) => sent.push(next),
                AsStep::Done(ticket) => return Ok((ticket.credential, sent)),
            }
        }
    }

    /// Does a TGS exchange for the service.
    ///
    /// # Errors
    /// The exchange does not end with a ticket.
    pub fn ticket(&self, tgt: &Credential, peer: &mut Udp) -> Result<Credential> {
        let request = TgsRequest::new(self.service.clone());
        let (exchange, message) = TgsExchange::begin(tgt, &request, system_now(), &mut OsRng);
        Ok(exchange.receive(peer.ask(&message)?)?)
    }

    /// Creates fresh requests of every kind. The KDC would answer all of them but the first with tickets.
    ///
    /// # Errors
    /// As [`Actors::log_in`].
    pub fn originals(&self, peer: &mut Udp) -> Result<Originals> {
        let (tgt, initial) = self.log_in(peer)?;
        let requests = [
            TgsRequest::new(self.service.clone()),
            TgsRequest::with_flags(self.service.clone(), KdcOptions::CANONICALIZE | KdcOptions::FORWARDABLE),
            TgsRequest::renew(&tgt),
            TgsRequest::forward(&tgt, Vec::new()),
            TgsRequest::user_to_user(self.user.clone(), tgt.ticket.clone()),
        ];
        let granting = requests.iter().map(|r| TgsExchange::begin(&tgt, r, system_now(), &mut OsRng).1).collect();
        Ok(Originals { initial, granting })
    }
}
