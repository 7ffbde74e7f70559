//! The listeners over real sockets on loopback, with a store in memory.

use super::*;
use crate::audit::Audit;
use crate::config::{AuditFormat, AuditSettings, AuditSink, Seconds};
use crate::live::Live;
use crate::metrics::Metrics;
use kennel_core::pods::NoCluster;
use kennel_core::realm::Realm;
use kennel_store::{EntryCache, MemoryStore};
use kennel_wire::frame;
use kennel_wire::message::{ErrorCode, KrbError};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

/// What is no request at all gets a KRB-ERROR all the same.
const GARBAGE: &[u8] = b"\x30\x03not";
/// The outermost octets of an AS-REP: a reply, which is not answered.
const REPLY: &[u8] = b"\x6b\x02\x30\x00";
const PATIENCE: Duration = Duration::from_secs(10);

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn refusal(address: SocketAddr) -> String {
    Bound::bind(&[address], 2).map(|_| ()).unwrap_err().to_string()
}

/// A KDC of an empty realm.
struct Fixture {
    served: Served,
    address: SocketAddr,
    audit: tempfile::TempDir,
}

impl Fixture {
    async fn start(limits: Limits) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let settings = AuditSettings { sink: AuditSink::File(dir.path().join("audit.log")), format: AuditFormat::Json };
        let (audit, _writer) = Audit::start(&settings, Arc::new(Metrics::new())).unwrap();
        let cache = EntryCache::open(Arc::new(MemoryStore::new()), 16).await.unwrap();
        let live = Arc::new(Live::new(Realm::new("R"), Arc::new(NoCluster)));
        let answerer = Arc::new(Answerer::new(live, cache, audit, limits.udp_reply_limit));
        let bound = Bound::bind(&[loopback(0)], 2).unwrap();
        let address = bound.addresses()[0];
        Fixture { served: bound.serve(&answerer, &limits).unwrap(), address, audit: dir }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many lines are in the audit trail.
    async fn audited(&self, lines: usize) -> bool {
        let path = self.audit.path().join("audit.log");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if std::fs::read_to_string(&path).unwrap_or_default().lines().count() == lines {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

async fn read_error(stream: &mut TcpStream) -> KrbError {
    let mut header = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut header)).await.unwrap().unwrap();
    let frame::Prefix::Length(length) = frame::prefix(header, MAX_REQUEST) else { panic!("{header:?}") };
    let mut message = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut message)).await.unwrap().unwrap();
    KrbError::decode(&message).unwrap()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(PATIENCE, stream.read(&mut [0; 16])).await, Ok(Ok(0) | Err(_)))
}

#[test]
fn udp_and_tcp_have_the_same_port() {
    let bound = Bound::bind(&[loopback(0)], 2).unwrap();
    assert_ne!(bound.addresses()[0].port(), 0);
    assert_eq!(bound.udp.len(), 2);
    for socket in &bound.udp {
        assert_eq!(socket.local_addr().unwrap(), bound.addresses()[0]);
    }
}

#[test]
fn a_second_server_on_the_port_is_refused() {
    let first = Bound::bind(&[loopback(0)], 2).unwrap();
    let error = refusal(first.addresses()[0]);
    assert!(error.contains("in use") && error.contains(&first.addresses()[0].to_string()), "{error}");
}

#[test]
fn a_foreign_program_on_the_udp_port_is_found_though_it_shares_the_port() {
    let foreign = bind_udp_socket(loopback(0), true).unwrap();
    let address = foreign.local_addr().unwrap().as_socket().unwrap();
    let error = refusal(address);
    assert!(error.contains("(UDP) is in use"), "{error}");
}

#[test]
fn ipv4_and_ipv6_share_a_port_number() {
    let v4 = Bound::bind(&[loopback(0)], 1).unwrap();
    let port = v4.addresses()[0].port();
    let v6 = Bound::bind(&[format!("[::]:{port}").parse().unwrap()], 1).unwrap();
    assert_eq!(v6.addresses()[0].port(), port);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_is_answered_and_a_reply_is_not() {
    let fixture = Fixture::start(Limits::default()).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    // The reply first: if it were answered, that answer would come first too.
    client.send(REPLY).await.unwrap();
    assert!(fixture.audited(1).await);
    client.send(GARBAGE).await.unwrap();
    let mut answer = [0; 1500];
    let length = timeout(PATIENCE, client.recv(&mut answer)).await.unwrap().unwrap();
    assert_eq!(KrbError::decode(&answer[..length]).unwrap().error_code, ErrorCode::GENERIC);
    assert!(fixture.audited(2).await, "a line for each, answered or not");
    assert!(client.try_recv(&mut answer).is_err());
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_gone_does_not_stop_the_next() {
    let fixture = Fixture::start(Limits { udp_threads: 1, ..Limits::default() }).await;
    for _ in 0..20 {
        // Its port is closed when the reply comes back: ECONNREFUSED for the server's socket.
        let gone = UdpSocket::bind(loopback(0)).await.unwrap();
        gone.send_to(GARBAGE, fixture.address).await.unwrap();
    }
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.send_to(GARBAGE, fixture.address).await.unwrap();
    timeout(PATIENCE, client.recv(&mut [0; 1500])).await.unwrap().unwrap();
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_carries_several_requests() {
    let fixture = Fixture::start(Limits::default()).await;
    let mut stream = fixture.connect().await;
    for _ in 0..3 {
        stream.write_all(&frame::encode(GARBAGE)).await.unwrap();
        assert_eq!(read_error(&mut stream).await.error_code, ErrorCode::GENERIC);
    }
    // Several at once.
    stream.write_all(&frame::encode(GARBAGE).repeat(5)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(read_error(&mut stream).await.error_code, ErrorCode::GENERIC);
    }
    // In pieces, octet by octet.
    for octet in frame::encode(GARBAGE) {
        stream.write_u8(octet).await.unwrap();
        stream.flush().await.unwrap();
    }
    assert_eq!(read_error(&mut stream).await.error_code, ErrorCode::GENERIC);
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_cannot_be_served_are_answered_before_the_connection_closes() {
    let fixture = Fixture::start(Limits::default()).await;
    for header in [[0x80, 0, 0, 4], [0, 1, 0, 1], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 0]] {
        let mut stream = fixture.connect().await;
        stream.write_all(&header).await.unwrap();
        stream.write_all(&[0x30; 4]).await.unwrap();
        let error = read_error(&mut stream).await;
        assert_eq!((error.error_code, error.realm.as_str()), (ErrorCode::FIELD_TOOLONG, "R"), "{header:?}");
        assert!(is_closed(&mut stream).await);
    }
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_and_a_slow_request_are_closed_in_time() {
    let limits = Limits { tcp_idle: Seconds(1), tcp_exchange: Seconds(1), ..Limits::default() };
    let fixture = Fixture::start(limits).await;
    let begun = Instant::now();
    let mut idle = fixture.connect().await;
    let mut slow = fixture.connect().await;
    slow.write_all(&[0, 0, 1, 0, 0x6a]).await.unwrap();
    assert!(is_closed(&mut idle).await && is_closed(&mut slow).await);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(5));
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_that_say_nothing_does_not_lock_out_a_client() {
    let fixture = Fixture::start(Limits { tcp_connections: 8, ..Limits::default() }).await;
    let mut flood = Vec::new();
    for number in 0..64 {
        let mut stream = fixture.connect().await;
        // Half of them have begun a request that never ends.
        if number % 2 == 0 {
            stream.write_all(&[0, 0, 0, 9, 0x6a]).await.unwrap();
        }
        flood.push(stream);
    }
    let mut client = fixture.connect().await;
    client.write_all(&frame::encode(GARBAGE)).await.unwrap();
    read_error(&mut client).await;
    assert!(is_closed(&mut flood[0]).await, "the one that waited longest made room");
    fixture.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_has_begun_and_closes_what_is_idle() {
    let fixture = Fixture::start(Limits::default()).await;
    let mut idle = fixture.connect().await;
    let mut busy = fixture.connect().await;
    let request = frame::encode(GARBAGE);
    let (first, second) = request.split_at(5);
    busy.write_all(first).await.unwrap();
    // Until both connections are accepted and the request has begun.
    sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    let stopping = tokio::spawn(fixture.served.stop());
    assert!(is_closed(&mut idle).await);
    busy.write_all(second).await.unwrap();
    assert_eq!(read_error(&mut busy).await.error_code, ErrorCode::GENERIC);
    stopping.await.unwrap();
    assert!(begun.elapsed() < GRACE, "nothing was left to wait for");
    assert!(TcpStream::connect(fixture.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever() {
    let fixture = Fixture::start(Limits::default()).await;
    let mut stuck = fixture.connect().await;
    stuck.write_all(&[0, 0, 0, 9, 0x6a]).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    fixture.served.stop().await;
    assert!(begun.elapsed() >= GRACE && begun.elapsed() < GRACE * 2);
}
