use super::*;
use crate::test_kdc::{NOW, krb_error};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const REQUEST: &[u8] = b"a request";

/// An answer by its looks.
fn reply() -> Vec<u8> {
    vec![AS_REP_LIKE; 200]
}

const AS_REP_LIKE: u8 = 0x6b;

fn error(code: ErrorCode) -> Vec<u8> {
    krb_error(code, NOW, None)
}

/// A fake KDC on UDP and TCP, the same port. What it says over UDP is sent datagram by datagram; what it says over TCP
/// goes out as it is, prefix and all.
struct FakeKdc {
    address: SocketAddr,
    udp_requests: Arc<AtomicUsize>,
    tcp_requests: Arc<AtomicUsize>,
}

impl FakeKdc {
    async fn start(udp: Vec<Vec<u8>>, tcp: Option<Vec<u8>>) -> FakeKdc {
        let (listener, socket) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
                break (listener, socket);
            }
        };
        let kdc = FakeKdc {
            address: listener.local_addr().unwrap(),
            udp_requests: Arc::default(),
            tcp_requests: Arc::default(),
        };
        tokio::spawn(serve_udp(socket, udp, Arc::clone(&kdc.udp_requests)));
        if let Some(tcp) = tcp {
            tokio::spawn(serve_tcp(listener, tcp, Arc::clone(&kdc.tcp_requests)));
        }
        kdc
    }

    fn counts(&self) -> (usize, usize) {
        (self.udp_requests.load(Ordering::SeqCst), self.tcp_requests.load(Ordering::SeqCst))
    }
}

async fn serve_udp(socket: UdpSocket, answers: Vec<Vec<u8>>, requests: Arc<AtomicUsize>) {
    let mut buffer = [0; 2_048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], REQUEST);
        requests.fetch_add(1, Ordering::SeqCst);
        for answer in &answers {
            socket.send_to(answer, from).await.unwrap();
        }
    }
}

async fn serve_tcp(listener: TcpListener, answer: Vec<u8>, requests: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4 + REQUEST.len()];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request, frame::encode(REQUEST));
        requests.fetch_add(1, Ordering::SeqCst);
        stream.write_all(&answer).await.unwrap();
    }
}

/// Quick waits: nothing here answers late.
fn transport<'a>(kdcs: impl IntoIterator<Item = &'a FakeKdc>) -> Transport {
    Transport {
        udp_timeout: Duration::from_millis(100),
        udp_rounds: 2,
        tcp_timeout: Duration::from_millis(1_000),
        ..Transport::new(kdcs.into_iter().map(|k| k.address))
    }
}

#[tokio::test]
async fn udp_comes_first() {
    let kdc = FakeKdc::start(vec![reply()], None).await;
    assert_eq!(transport([&kdc]).exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (1, 0));
}

#[tokio::test]
async fn an_answer_too_big_for_udp_is_fetched_over_tcp() {
    let kdc = FakeKdc::start(vec![error(ErrorCode::RESPONSE_TOO_BIG)], Some(frame::encode(&reply()))).await;
    assert_eq!(transport([&kdc]).exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (1, 1));
}

#[tokio::test]
async fn a_long_request_goes_over_tcp_at_once() {
    let kdc = FakeKdc::start(vec![], Some(frame::encode(&reply()))).await;
    let transport = Transport { udp_limit: REQUEST.len() - 1, ..transport([&kdc]) };
    assert_eq!(transport.exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (0, 1));
}

#[tokio::test]
async fn silence_over_udp_is_met_with_another_round_and_then_tcp() {
    let kdc = FakeKdc::start(vec![], Some(frame::encode(&reply()))).await;
    assert_eq!(transport([&kdc]).exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (2, 1));
}

#[tokio::test]
async fn tcp_alone_never_sends_a_datagram() {
    let kdc = FakeKdc::start(vec![reply()], Some(Vec::new())).await;
    let transport = Transport { protocol: TransportProtocol::TcpOnly, ..transport([&kdc]) };
    let error = transport.exchange(REQUEST).await.unwrap_err();
    assert_eq!(kdc.counts(), (0, 1));
    assert!(error.to_string().contains("(TCP)"), "{error}");
}

#[tokio::test]
async fn tcp_first_falls_back_to_udp() {
    let kdc = FakeKdc::start(vec![reply()], Some(Vec::new())).await;
    let transport = Transport { protocol: TransportProtocol::Tcp, ..transport([&kdc]) };
    assert_eq!(transport.exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (1, 1));
}

#[tokio::test]
async fn the_next_kdc_is_asked_where_the_first_is_silent_or_unavailable() {
    let silent = FakeKdc::start(vec![], None).await;
    let unavailable = FakeKdc::start(vec![error(ErrorCode::SVC_UNAVAILABLE)], None).await;
    let good = FakeKdc::start(vec![reply()], None).await;
    let transport = transport([&silent, &unavailable, &good]);
    assert_eq!(transport.exchange(REQUEST).await.unwrap(), reply());
    assert_eq!([silent.counts().0, unavailable.counts().0, good.counts().0], [1, 1, 1]);
}

#[tokio::test]
async fn unavailable_is_the_answer_where_nobody_says_more() {
    let unavailable = error(ErrorCode::SVC_UNAVAILABLE);
    let kdc = FakeKdc::start(vec![unavailable.clone()], Some(frame::encode(&unavailable))).await;
    assert_eq!(transport([&kdc]).exchange(REQUEST).await.unwrap(), unavailable);
}

#[tokio::test]
async fn an_error_other_than_unavailable_is_an_answer() {
    let refused = error(ErrorCode::C_PRINCIPAL_UNKNOWN);
    let kdc = FakeKdc::start(vec![refused.clone()], None).await;
    assert_eq!(transport([&kdc]).exchange(REQUEST).await.unwrap(), refused);
}

#[tokio::test]
async fn datagrams_that_are_no_answer_or_too_long_are_passed_over() {
    let long = vec![AS_REP_LIKE; 300];
    let kdc = FakeKdc::start(vec![Vec::new(), b"noise".to_vec(), vec![0x6a; 40], long, reply()], None).await;
    let transport = Transport { max_reply: 299, ..transport([&kdc]) };
    assert_eq!(transport.exchange(REQUEST).await.unwrap(), reply());
    assert_eq!(kdc.counts(), (1, 0));
}

#[tokio::test]
async fn a_datagram_from_another_address_is_not_accepted() {
    let relay = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut buffer = [0; 64];
        let (_, from) = relay.recv_from(&mut buffer).await.unwrap();
        stranger.send_to(&[AS_REP_LIKE; 9], from).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        relay.send_to(&reply(), from).await.unwrap();
    });
    let transport = Transport { udp_timeout: Duration::from_secs(2), ..Transport::new([address]) };
    assert_eq!(transport.exchange(REQUEST).await.unwrap(), reply());
    server.await.unwrap();
}

#[tokio::test]
async fn over_tcp_a_length_out_of_range_a_torn_answer_and_noise_are_refused() {
    let too_long = [&300_u32.to_be_bytes()[..], &[AS_REP_LIKE; 300]].concat();
    let huge = [&0x7fff_ffff_u32.to_be_bytes()[..], &[AS_REP_LIKE; 9]].concat();
    let reserved = [&0x8000_0009_u32.to_be_bytes()[..], &[AS_REP_LIKE; 9]].concat();
    let torn = [&9_u32.to_be_bytes()[..], &[AS_REP_LIKE; 8]].concat();
    let noise = frame::encode(b"noise");
    for answer in [too_long, huge, reserved, torn, noise, vec![0, 0], Vec::new()] {
        let kdc = FakeKdc::start(vec![], Some(answer.clone())).await;
        let transport = Transport { protocol: TransportProtocol::TcpOnly, max_reply: 299, ..transport([&kdc]) };
        let refused = transport.exchange(REQUEST).await;
        assert!(refused.is_err(), "{answer:?}");
        assert_eq!(kdc.counts().1, 1);
    }
}

#[tokio::test]
async fn an_exchange_that_fails_says_whom_it_asked_and_what_was_wrong() {
    let kdc = FakeKdc::start(vec![], Some(frame::encode(b"noise"))).await;
    let mut transport = transport([&kdc]);
    transport.kdcs.push("no-port".to_owned());
    let error = transport.exchange(REQUEST).await.unwrap_err().to_string();
    for part in ["no KDC answered", "(UDP): no answer in time", "(TCP): not an answer", "no-port (name)"] {
        assert!(error.contains(part), "{error}");
    }
}
