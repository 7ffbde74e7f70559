//! The listeners over real sockets on loopback, with a responder that knows no protocol.

use crate::limits::{GRACE, ListenLimits, MAX_REQUEST};
use crate::respond::{Respond, Response, TransportKind};
use crate::sockets::{BoundSockets, RunningSockets, bind_udp_socket};
use kennel_wire::frame;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const REQUEST: &[u8] = b"request";
/// A message that the responder leaves without a reply.
const UNANSWERED: &[u8] = b"unanswered";
/// A message that the responder cannot answer before something else has happened.
const WAITS: &[u8] = b"waits";
const REFUSED_FRAME: &[u8] = b"refused frame";
const UNAVAILABLE: &[u8] = b"unavailable";
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers each request with itself, reversed, and records it.
struct Mirror {
    recorded: Mutex<Vec<Vec<u8>>>,
    /// A permit for each request of [`WAITS`] that may be answered.
    gate: Semaphore,
    /// Makes the next request panic.
    broken: AtomicBool,
}

impl Default for Mirror {
    fn default() -> Mirror {
        Mirror { recorded: Mutex::default(), gate: Semaphore::new(0), broken: AtomicBool::new(false) }
    }
}

fn mirrored(request: &[u8]) -> Option<Vec<u8>> {
    (request != UNANSWERED).then(|| request.iter().rev().copied().collect())
}

impl Respond for Mirror {
    type Event = Vec<u8>;

    fn try_respond(&self, request: &[u8], _peer: SocketAddr, _transport: TransportKind) -> Option<Response<Vec<u8>>> {
        assert!(!self.broken.swap(false, Ordering::Relaxed), "broken on purpose");
        (request != WAITS).then(|| Response { reply: mirrored(request), event: request.to_vec() })
    }

    fn record(&self, events: &mut Vec<Vec<u8>>) {
        self.recorded.lock().unwrap().append(events);
    }

    async fn respond(&self, request: &[u8], _peer: SocketAddr, _transport: TransportKind) -> Option<Vec<u8>> {
        if request == WAITS {
            self.gate.acquire().await.unwrap().forget();
        }
        self.record(&mut vec![request.to_vec()]);
        mirrored(request)
    }

    fn unavailable(&self, request: &[u8], _peer: SocketAddr, _transport: TransportKind) -> Option<Vec<u8>> {
        self.record(&mut vec![request.to_vec()]);
        Some(UNAVAILABLE.to_vec())
    }

    fn refuse_frame(&self, _peer: SocketAddr) -> Option<Vec<u8>> {
        self.record(&mut vec![REFUSED_FRAME.to_vec()]);
        Some(REFUSED_FRAME.to_vec())
    }
}

fn limits() -> ListenLimits {
    let (tcp_idle, tcp_exchange) = (Duration::from_secs(10), Duration::from_secs(30));
    ListenLimits { udp_threads: 2, tcp_connections: 4096, tcp_idle, tcp_exchange }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn refusal(address: SocketAddr) -> String {
    BoundSockets::bind(&[address], 2).map(|_| ()).unwrap_err().to_string()
}

struct Fixture {
    sockets: RunningSockets,
    address: SocketAddr,
    mirror: Arc<Mirror>,
}

impl Fixture {
    async fn start(limits: ListenLimits) -> Fixture {
        let mirror = Arc::new(Mirror::default());
        let bound = BoundSockets::bind(&[loopback(0)], limits.udp_threads).unwrap();
        let address = bound.addresses()[0];
        Fixture { sockets: bound.serve(&mirror, &limits).unwrap(), address, mirror }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many answers are recorded.
    async fn recorded(&self, number: usize) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.mirror.recorded.lock().unwrap().len() == number {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

async fn read_reply(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut header)).await.unwrap().unwrap();
    let frame::Prefix::Length(length) = frame::prefix(header, MAX_REQUEST) else { panic!("{header:?}") };
    let mut message = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut message)).await.unwrap().unwrap();
    message
}

async fn receive(client: &UdpSocket) -> Vec<u8> {
    let mut reply = [0; 1500];
    let length = timeout(PATIENCE, client.recv(&mut reply)).await.unwrap().unwrap();
    reply[..length].to_vec()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(PATIENCE, stream.read(&mut [0; 16])).await, Ok(Ok(0) | Err(_)))
}

#[test]
fn udp_and_tcp_have_the_same_port() {
    let bound = BoundSockets::bind(&[loopback(0)], 2).unwrap();
    assert_ne!(bound.addresses()[0].port(), 0);
    assert_eq!(bound.udp.len(), 2);
    for socket in &bound.udp {
        assert_eq!(socket.local_addr().unwrap(), bound.addresses()[0]);
    }
}

#[test]
fn a_second_server_on_the_port_is_refused() {
    let first = BoundSockets::bind(&[loopback(0)], 2).unwrap();
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
    let v4 = BoundSockets::bind(&[loopback(0)], 1).unwrap();
    let port = v4.addresses()[0].port();
    let v6 = BoundSockets::bind(&[format!("[::]:{port}").parse().unwrap()], 1).unwrap();
    assert_eq!(v6.addresses()[0].port(), port);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_is_recorded_and_answered_where_there_is_an_answer() {
    let fixture = Fixture::start(limits()).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    // The unanswered message goes first: an answer to it would come first too.
    client.send(UNANSWERED).await.unwrap();
    assert!(fixture.recorded(1).await);
    client.send(REQUEST).await.unwrap();
    assert_eq!(Some(receive(&client).await), mirrored(REQUEST));
    assert!(fixture.recorded(2).await, "one record for each, answered or not");
    assert!(client.try_recv(&mut [0; 16]).is_err());
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_that_has_to_wait_holds_up_no_other() {
    let fixture = Fixture::start(ListenLimits { udp_threads: 1, ..limits() }).await;
    let (waiting, other) = (UdpSocket::bind(loopback(0)).await.unwrap(), UdpSocket::bind(loopback(0)).await.unwrap());
    waiting.connect(fixture.address).await.unwrap();
    other.connect(fixture.address).await.unwrap();
    waiting.send(WAITS).await.unwrap();
    other.send(REQUEST).await.unwrap();
    assert_eq!(Some(receive(&other).await), mirrored(REQUEST));
    fixture.mirror.gate.add_permits(1);
    assert_eq!(Some(receive(&waiting).await), mirrored(WAITS));
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_datagrams_that_wait_is_bounded() {
    let fixture = Fixture::start(ListenLimits { udp_threads: 1, ..limits() }).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    for _ in 0..crate::udp::WAITING {
        client.send(WAITS).await.unwrap();
    }
    client.send(WAITS).await.unwrap();
    assert_eq!(receive(&client).await, UNAVAILABLE);
    fixture.mirror.gate.add_permits(crate::udp::WAITING as usize);
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_datagram_and_not_the_thread() {
    let fixture = Fixture::start(ListenLimits { udp_threads: 1, ..limits() }).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    fixture.mirror.broken.store(true, Ordering::Relaxed);
    client.send(REQUEST).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    client.send(REQUEST).await.unwrap();
    assert_eq!(Some(receive(&client).await), mirrored(REQUEST));
    assert!(fixture.recorded(1).await);
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_gone_does_not_stop_the_next() {
    let fixture = Fixture::start(ListenLimits { udp_threads: 1, ..limits() }).await;
    for _ in 0..20 {
        // The client's port is closed when the reply arrives: ECONNREFUSED for the server's socket.
        let gone = UdpSocket::bind(loopback(0)).await.unwrap();
        gone.send_to(REQUEST, fixture.address).await.unwrap();
    }
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    client.send(REQUEST).await.unwrap();
    assert_eq!(Some(receive(&client).await), mirrored(REQUEST));
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_carries_several_requests() {
    let fixture = Fixture::start(limits()).await;
    let mut stream = fixture.connect().await;
    for _ in 0..3 {
        stream.write_all(&frame::encode(REQUEST)).await.unwrap();
        assert_eq!(Some(read_reply(&mut stream).await), mirrored(REQUEST));
    }
    // Several at once.
    stream.write_all(&frame::encode(REQUEST).repeat(5)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(Some(read_reply(&mut stream).await), mirrored(REQUEST));
    }
    // In pieces, octet by octet.
    for octet in frame::encode(REQUEST) {
        stream.write_u8(octet).await.unwrap();
        stream.flush().await.unwrap();
    }
    assert_eq!(Some(read_reply(&mut stream).await), mirrored(REQUEST));
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_cannot_be_served_are_answered_before_the_connection_closes() {
    let fixture = Fixture::start(limits()).await;
    for header in [[0x80, 0, 0, 4], [0, 1, 0, 1], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 0]] {
        let mut stream = fixture.connect().await;
        stream.write_all(&header).await.unwrap();
        stream.write_all(&[0x30; 4]).await.unwrap();
        assert_eq!(read_reply(&mut stream).await, REFUSED_FRAME, "{header:?}");
        assert!(is_closed(&mut stream).await);
    }
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_and_a_slow_request_are_closed_in_time() {
    let limits = ListenLimits { tcp_idle: Duration::from_secs(1), tcp_exchange: Duration::from_secs(1), ..limits() };
    let fixture = Fixture::start(limits).await;
    let begun = Instant::now();
    let mut idle = fixture.connect().await;
    let mut slow = fixture.connect().await;
    slow.write_all(&[0, 0, 1, 0, 0x6a]).await.unwrap();
    assert!(is_closed(&mut idle).await && is_closed(&mut slow).await);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(5));
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_that_say_nothing_does_not_lock_out_a_client() {
    let fixture = Fixture::start(ListenLimits { tcp_connections: 8, ..limits() }).await;
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
    client.write_all(&frame::encode(REQUEST)).await.unwrap();
    read_reply(&mut client).await;
    assert!(is_closed(&mut flood[0]).await, "the one that waited longest made room");
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_has_begun_and_closes_what_is_idle() {
    let fixture = Fixture::start(limits()).await;
    let mut idle = fixture.connect().await;
    let mut busy = fixture.connect().await;
    let request = frame::encode(REQUEST);
    let (first, second) = request.split_at(5);
    busy.write_all(first).await.unwrap();
    // By then the server has accepted both connections and begun the request.
    sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    let stopping = tokio::spawn(fixture.sockets.stop());
    assert!(is_closed(&mut idle).await);
    busy.write_all(second).await.unwrap();
    assert_eq!(Some(read_reply(&mut busy).await), mirrored(REQUEST));
    stopping.await.unwrap();
    assert!(begun.elapsed() < GRACE, "nothing was left to wait for");
    assert!(TcpStream::connect(fixture.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever() {
    let fixture = Fixture::start(limits()).await;
    let mut stuck = fixture.connect().await;
    stuck.write_all(&[0, 0, 0, 9, 0x6a]).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    fixture.sockets.stop().await;
    assert!(begun.elapsed() >= GRACE && begun.elapsed() < GRACE * 2);
}
