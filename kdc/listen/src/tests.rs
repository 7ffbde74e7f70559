//! The listeners over real sockets on loopback, with a responder that knows no protocol.

use crate::framing::Framing;
use crate::http::{ConnectionEnd, ConnectionSlot, HttpListener};
use crate::limits::{GRACE, ListenLimits, MAX_DATAGRAM, MAX_REQUEST, WRITE};
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
const TOO_LONG: &[u8] = b"too long";
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

    fn refuse_datagram(&self, begin: &[u8], _peer: SocketAddr) -> Response<Vec<u8>> {
        Response { reply: Some(TOO_LONG.to_vec()), event: begin.to_vec() }
    }

    fn refuse_frame(&self, _peer: SocketAddr) -> Option<Vec<u8>> {
        self.record(&mut vec![REFUSED_FRAME.to_vec()]);
        Some(REFUSED_FRAME.to_vec())
    }
}

fn limits() -> ListenLimits {
    let (tcp_idle, tcp_exchange) = (Duration::from_secs(10), Duration::from_secs(30));
    ListenLimits { udp_threads: 2, tcp_connections: 4096, tcp_requests: 100, tcp_idle, tcp_exchange }
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
async fn the_number_of_datagrams_that_wait_is_bounded_for_each_source() {
    let fixture = Fixture::start(ListenLimits { udp_threads: 1, ..limits() }).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    let share = crate::udp::WAITING / crate::limits::SHARE;
    for _ in 0..share {
        client.send(WAITS).await.unwrap();
    }
    client.send(WAITS).await.unwrap();
    assert_eq!(receive(&client).await, UNAVAILABLE);
    let other = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 2], 0))).await.unwrap();
    other.connect(fixture.address).await.unwrap();
    other.send(WAITS).await.unwrap();
    assert!(timeout(Duration::from_millis(200), other.recv(&mut [0; 64])).await.is_err(), "it waits");
    fixture.mirror.gate.add_permits(share + 1);
    assert_eq!(Some(receive(&other).await), mirrored(WAITS));
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_that_is_too_long_reaches_the_responder_as_such_and_cut() {
    let fixture = Fixture::start(limits()).await;
    let client = UdpSocket::bind(loopback(0)).await.unwrap();
    client.connect(fixture.address).await.unwrap();
    client.send(&[7; MAX_DATAGRAM + 1]).await.unwrap();
    assert_eq!(receive(&client).await, TOO_LONG);
    assert_eq!(*fixture.mirror.recorded.lock().unwrap(), [vec![7; MAX_DATAGRAM]]);
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
async fn clients_that_send_ahead_and_read_nothing_do_not_lock_out_another_one() {
    let limits = ListenLimits { tcp_connections: 8, tcp_requests: u32::MAX, ..limits() };
    let fixture = Fixture::start(limits).await;
    // The replies fill the buffers of both systems, and the server waits for the client to read.
    let long = frame::encode(&[7; 60_000]);
    let mut flood = Vec::new();
    for _ in 0..16 {
        let mut stream = fixture.connect().await;
        let sender = long.clone();
        flood.push(tokio::spawn(async move { while stream.write_all(&sender).await.is_ok() {} }));
    }
    sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let mut client = fixture.connect().await;
    client.write_all(&frame::encode(REQUEST)).await.unwrap();
    assert_eq!(Some(read_reply(&mut client).await), mirrored(REQUEST));
    assert!(begun.elapsed() < WRITE, "nobody had to wait for the end of a write");
    flood.iter().for_each(tokio::task::JoinHandle::abort);
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_closed_in_time() {
    let fixture = Fixture::start(ListenLimits { tcp_requests: u32::MAX, ..limits() }).await;
    let mut stream = fixture.connect().await;
    let long = frame::encode(&[7; 60_000]);
    let begun = Instant::now();
    let closed = async { while stream.write_all(&long).await.is_ok() {} };
    timeout(WRITE * 2, closed).await.unwrap();
    assert!(begun.elapsed() >= WRITE);
    fixture.sockets.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_carries_no_more_requests_than_it_may() {
    let fixture = Fixture::start(ListenLimits { tcp_requests: 3, ..limits() }).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&frame::encode(REQUEST).repeat(3)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(Some(read_reply(&mut stream).await), mirrored(REQUEST));
    }
    assert!(is_closed(&mut stream).await);
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

/// HTTP: a GET is answered at once, a POST with its body.
async fn http_server(apart: bool) -> (SocketAddr, Box<dyn std::any::Any>) {
    let router = axum::Router::new().route("/", axum::routing::get(async || "ok").post(async |body: String| body));
    let listener = HttpListener::bind(&[loopback(0)]).unwrap();
    let address = listener.addresses()[0];
    if apart {
        return (address, Box::new(listener.serve_apart(router, "test").unwrap()));
    }
    (address, Box::new(listener.serve(&router, None).unwrap()))
}

/// Sends a part of a request, and returns what comes back until the connection waits or closes.
async fn http_exchange(address: SocketAddr, request: &[u8]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut received = vec![0; 1024];
    let length = timeout(PATIENCE, stream.read(&mut received)).await.unwrap().unwrap_or(0);
    (stream, String::from_utf8_lossy(&received[..length]).into_owned())
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn http_connections_that_wait_for_their_client_lock_out_nobody() {
    for apart in [false, true] {
        let (address, _server) = http_server(apart).await;
        let mut flood = Vec::new();
        for number in 0..700 {
            // Kept alive, without a request, in the middle of a head, in the middle of a body.
            let begun: &[u8] = match number % 4 {
                0 => GET,
                1 => b"",
                2 => b"GET / HT",
                _ => b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nbegin",
            };
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(begun).await;
            flood.push(stream);
        }
        let begun = Instant::now();
        let (_, answer) = http_exchange(address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        drop(flood);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_client_that_is_too_slow_is_closed() {
    let (address, _server) = http_server(false).await;
    let body = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nbegin";
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(body).await.unwrap();
    let closed = timeout(Duration::from_secs(20), stream.read(&mut [0; 16])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    assert!(begun.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_goes_on_may_pause_for_longer_than_a_client_may() {
    let (pieces, receiver) = tokio::sync::mpsc::channel::<&str>(1);
    let receiver = Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let answer = move |end: axum::extract::Extension<ConnectionEnd>| async move {
        assert!(end.0.0 > tokio::time::Instant::now() + Duration::from_secs(50));
        let receiver = receiver.lock().await.take();
        let next = |receiver: Option<tokio::sync::mpsc::Receiver<&'static str>>| async move {
            let mut receiver = receiver?;
            let piece = receiver.recv().await?;
            Some((Ok::<_, std::io::Error>(piece), Some(receiver)))
        };
        axum::body::Body::from_stream(futures_util::stream::unfold(receiver, next))
    };
    let router = axum::Router::new().route("/", axum::routing::get(answer));
    let listener = HttpListener::bind(&[loopback(0)]).unwrap();
    let address = listener.addresses()[0];
    let _server = listener.serve(&router, None).unwrap();
    pieces.send("first").await.unwrap();
    let (mut stream, mut text) = http_exchange(address, GET).await;
    sleep(Duration::from_secs(13)).await;
    pieces.send("second").await.unwrap();
    drop(pieces);
    let mut rest = String::new();
    while !rest.ends_with("0\r\n\r\n") {
        let mut octets = [0; 1024];
        let length = timeout(PATIENCE, stream.read(&mut octets)).await.unwrap().unwrap();
        assert!(length > 0, "closed: {text}{rest}");
        rest.push_str(&String::from_utf8_lossy(&octets[..length]));
    }
    text.push_str(&rest);
    assert!(text.contains("first") && text.contains("second"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_requests_wait_beside_the_open_connections_and_close_after_their_answer() {
    const PARKED: usize = 300;
    let (go, going) = tokio::sync::watch::channel(false);
    let waits = move |slot: axum::extract::Extension<ConnectionSlot>| {
        let mut going = going.clone();
        async move {
            if !slot.0.park(Duration::from_secs(60)) {
                return "full";
            }
            let _ = going.wait_for(|go| *go).await;
            "gone on"
        }
    };
    let router = axum::Router::new().route("/", axum::routing::get(async || "ok").post(waits));
    let listener = HttpListener::bind(&[loopback(0)]).unwrap();
    let address = listener.addresses()[0];
    let server = listener.serve_with_parking(&router, None, PARKED).unwrap();
    let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let mut parked = Vec::new();
    // More than one source may have open, one after the other, so that each is parked before the next one comes.
    for _ in 0..PARKED {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(post).await.unwrap();
        let (_, answer) = http_exchange(address, GET).await;
        assert!(answer.ends_with("ok"), "{answer}");
        parked.push(stream);
    }
    let (_, answer) = http_exchange(address, post).await;
    assert!(answer.ends_with("full") && !answer.contains("connection: close"), "{answer}");
    drop(parked.pop());
    let until_room = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(post).await.unwrap();
            if timeout(Duration::from_millis(200), stream.read(&mut [0; 256])).await.is_err() {
                return stream;
            }
        }
    };
    // A client that hangs up leaves its place.
    parked.push(timeout(PATIENCE, until_room).await.unwrap());
    go.send_replace(true);
    for mut stream in parked {
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.contains("connection: close") && answer.ends_with("gone on"), "{answer}");
    }
    server.stop().await;
}

#[test]
fn a_server_apart_answers_without_the_runtime_of_the_others_and_stops_when_it_is_dropped() {
    use std::io::{Read, Write};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Nothing drives this runtime any more once the server is made.
    let (address, server) = runtime.block_on(http_server(true));
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(GET).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop((server, stream));
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it still accepts");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn the_fragments_of_a_record_are_joined_and_a_reply_is_one() {
    let mirror = Arc::new(Mirror::default());
    let bound = BoundSockets::bind_tcp(&[loopback(0)], Framing::RecordMarking).unwrap();
    let address = bound.addresses()[0];
    let sockets = bound.serve(&mirror, &limits()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\0\0\0\x02ab\x80\0\0\x01c\x80\0\0\x01x").await.unwrap();
    let mut replies = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut replies)).await.unwrap().unwrap();
    assert_eq!(&replies, b"\x80\0\0\x03cba\x80\0\0\x01x");
    sockets.stop().await;
}
