//! The servers that are compared, with the same realm in each.

use crate::load::{self, User};
use anyhow::{Context, Result};
use kennel_crypto::Enctype;
use kennel_tests::exchange::Actors;
use kennel_tests::mit_kdc::MitKdc;
use kennel_tests::realm::Realm;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};

const REALM: &str = "BENCH.TEST";
const SERVICE: &str = "HTTP/web.shop";
const PASSWORD: &str = "secret";

/// One that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) process_id: u32,
}

/// Both KDCs.
pub(crate) struct Servers {
    kennel: Server,
    mit: MitKdc,
    names: Vec<String>,
    // Ends with this value.
    _kennel: Realm,
}

impl Servers {
    /// Starts both with so many users, one service, and keys of one enctype for all.
    pub(crate) fn start(enctype: Enctype, users: usize) -> Result<Servers> {
        let names: Vec<String> = (0..users).map(|n| format!("user{n}")).collect();
        let mut mit = MitKdc::create_with(REALM, &format!("{enctype}:normal"))?;
        let mut seed = format!("[realm]\nenctypes = [\"{enctype}\"]\n[[principal]]\nname = \"{SERVICE}\"\n");
        mit.kadmin(&format!("addprinc -randkey {SERVICE}"))?;
        for name in &names {
            mit.kadmin(&format!("addprinc -pw {PASSWORD} {name}"))?;
            write!(seed, "[[principal]]\nname = \"{name}\"\npassword = \"{PASSWORD}\"\n")?;
        }
        mit.start()?;
        let mut realm = Realm::builder(REALM)?.seed(&seed).start()?;
        let kennel = Server { name: "Kennel", port: realm.port(), process_id: realm.server().id() };
        Ok(Servers { kennel, mit, names, _kennel: realm })
    }

    pub(crate) fn both(&self) -> Result<[Server; 2]> {
        let mit = Server { name: "MIT krb5kdc", port: self.mit.port(), process_id: self.mit.process_id()? };
        Ok([mit, self.kennel])
    }

    pub(crate) fn users(&self, enctype: Enctype) -> Result<Vec<User>> {
        let user = |name: &String| {
            let actors = Actors::new(REALM, name, PASSWORD, SERVICE)?;
            let key = load::key(enctype, &actors, PASSWORD)?;
            Ok(User { actors, key })
        };
        self.names.iter().map(user).collect()
    }
}

/// A process that sends every datagram back; ended when dropped.
pub(crate) struct Echo {
    child: Child,
    port: u16,
}

/// Set for the copy of this program that echoes.
const ECHO: &str = "KENNEL_BENCH_ECHO";

impl Echo {
    /// This program again, as the echo.
    pub(crate) fn start() -> Result<Echo> {
        let mut child = Command::new(std::env::current_exe()?).env(ECHO, "yes").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the echo has no output")?).read_line(&mut line)?;
        Ok(Echo { child, port: line.trim().parse().context("the echo names no port")? })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Ended already: nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this process is to be the echo.
pub(crate) fn is_echo() -> bool {
    std::env::var_os(ECHO).is_some()
}

/// Says its port, then sends back what comes, until it is killed.
pub(crate) fn echo() -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", socket.local_addr()?.port());
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(buffer.get(..length).unwrap_or_default(), peer)?;
    }
}
