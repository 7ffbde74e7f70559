//! The self test. Before `dev` reports that it is ready, Kennel's own client logs in and gets a service ticket, and the service
//! opens that ticket with its keytab: over the real sockets, once with UDP and once with TCP. The test prints each exchange
//! with its result.

use crate::clock;
use crate::dev::files::Folder;
use crate::dev::plan::Plan;
use anyhow::{Context, ensure};
use kennel_client::{
    AcceptRules, AcceptedApReq, AcceptorKeys, ApOffer, ApRequest, Client, Credential, Keytab, Secret, TicketOptions,
    Transport, TransportProtocol,
};
use kennel_crypto::{Enctype, SecretBytes};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Runs the exchanges and prints them to `out`. An error names the exchange that failed.
pub(crate) async fn run(plan: &Plan, folder: &Folder, kdc: SocketAddr, out: &mut impl Write) -> anyhow::Result<()> {
    let service = plan.test_service()?;
    let keytab = Keytab::read(&folder.keytab(service))?;
    let (user, secret) = match plan.realm.require_fast {
        // No password logs in without armor: the service logs in with its keytab.
        true => (service, Secret::Keys(keytab.newest_keys(service))),
        false => {
            let (user, password) = plan.test_user()?;
            (user, Secret::Password(SecretBytes::new(password.expose().to_vec())))
        }
    };
    for (name, protocol) in [("UDP", TransportProtocol::Udp), ("TCP", TransportProtocol::TcpOnly)] {
        let transport = Transport { protocol, ..Transport::new([kdc]) };
        let client = Client::new(&plan.realm.name, [kdc]).with_realm(&plan.realm.name, transport);
        let exchanges = Exchanges { client, user, secret: &secret, service, keytab: &keytab };
        _ = writeln!(out, "self test over {name} to {kdc}");
        exchanges.run(out).await.with_context(|| format!("the self test over {name} failed"))?;
    }
    Ok(())
}

struct Exchanges<'a> {
    client: Client,
    user: &'a Principal,
    secret: &'a Secret,
    service: &'a Principal,
    keytab: &'a Keytab,
}

impl Exchanges<'_> {
    async fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let begun = Instant::now();
        let tgt = self.log_in().await.with_context(|| format!("AS: {} asks for a TGT", self.user))?;
        print(out, "AS ", &tgt, begun.elapsed());
        let begun = Instant::now();
        let ticket = self.client.service_ticket(&tgt, self.service).await;
        let ticket = ticket.with_context(|| format!("TGS: {} asks for {}", self.user, self.service))?;
        print(out, "TGS", &ticket, begun.elapsed());
        let begun = Instant::now();
        self.present(&ticket).with_context(|| format!("AP: {} opens the ticket with its keytab", self.service))?;
        let took = milliseconds(begun.elapsed());
        _ = writeln!(
            out,
            "  AP   {} opened the ticket of {} with its keytab; mutual authentication succeeded ({took})",
            self.service, ticket.client
        );
        Ok(())
    }

    async fn log_in(&self) -> anyhow::Result<Credential> {
        let ticket = self.client.initial_ticket(self.user, self.secret, &TicketOptions::default()).await?;
        ensure!(ticket.request_confirmed, "the reply does not confirm the request (RFC 6806, section 11)");
        Ok(ticket.credential)
    }

    fn present(&self, ticket: &Credential) -> anyhow::Result<()> {
        let offer = ApOffer { mutual: true, subkey: true, ..ApOffer::default() };
        let request = ApRequest::new(ticket, &offer, clock::now(), &mut OsRng);
        let rules = AcceptRules { server: Some(self.service.clone()), ..AcceptRules::default() };
        let keys = AcceptorKeys::Keytab(self.keytab);
        let accepted = AcceptedApReq::check(&request.message, keys, &rules, clock::now())?;
        ensure!(accepted.client == *self.user, "the ticket belongs to {}", accepted.client);
        request.check_reply(&accepted.reply(None, None, &mut OsRng))?;
        Ok(())
    }
}

fn print(out: &mut impl Write, exchange: &str, got: &Credential, took: Duration) {
    let enctype = got.ticket.enc_part.etype;
    let enctype = Enctype::from_number(enctype).map_or_else(|| enctype.to_string(), |e| e.name().to_owned());
    _ = writeln!(
        out,
        "  {exchange}  {} got a ticket for {}: {enctype}, session key {}, until {} ({})",
        got.client,
        got.server,
        got.session_key.enctype(),
        got.endtime.to_rfc3339(),
        milliseconds(took)
    );
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
