//! A client on sspi-rs, whose Kerberos is an implementation of its own: `sspi-peer KDC-PORT USER PASSWORD SERVICE PORT` logs in, gets a
//! ticket for SERVICE over TCP, and authenticates to the acceptor of `gssapi_peer.py` at PORT, and the acceptor to it.

use sspi::generator::NetworkRequest;
use sspi::network_client::NetworkClient;
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, CredentialsBuffers, DataRepresentation, Error,
    ErrorKind, Kerberos, KerberosConfig, SecurityBuffer, SecurityStatus, Sspi, SspiImpl, Username,
};
use std::io::{Read, Write};
use std::net::TcpStream;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kdc, user, password, service, port] = &arguments[..] else {
        return Err("usage: sspi-peer KDC-PORT USER PASSWORD SERVICE PORT".into());
    };
    let config = KerberosConfig::new_with_kdc_url(&format!("tcp://127.0.0.1:{kdc}"), "workstation".to_owned());
    let mut client = Kerberos::new_client_from_config(config)?;
    let identity = AuthIdentity { username: Username::parse(user)?, password: password.clone().into() };
    let mut credentials = client
        .acquire_credentials_handle()
        .with_credential_use(CredentialUse::Outbound)
        .with_auth_data(&identity.into())
        .execute(&mut client)?
        .credentials_handle;
    let mut answer = Vec::new();
    let mut acceptor = None;
    loop {
        let (status, token) = step(&mut client, &mut credentials, service, answer)?;
        if status == SecurityStatus::Ok {
            println!("mutual authentication complete");
            return Ok(());
        }
        println!("a token of {} octets for {service}", token.len());
        let stream = match &mut acceptor {
            Some(stream) => stream,
            None => acceptor.insert(TcpStream::connect(format!("127.0.0.1:{port}"))?),
        };
        send(stream, &token)?;
        answer = receive(stream)?;
    }
}

/// One step of the context; in the first one sspi-rs asks the KDC for the tickets.
fn step(
    client: &mut Kerberos,
    credentials: &mut Option<CredentialsBuffers>,
    service: &str,
    input: Vec<u8>,
) -> Result<(SecurityStatus, Vec<u8>), Failure> {
    let mut input = [SecurityBuffer::new(input, BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let mut builder = client
        .initialize_security_context()
        .with_credentials_handle(credentials)
        .with_context_requirements(ClientRequestFlags::MUTUAL_AUTH | ClientRequestFlags::INTEGRITY)
        .with_target_data_representation(DataRepresentation::Native)
        .with_target_name(service)
        .with_input(&mut input)
        .with_output(&mut output);
    let result = client.initialize_security_context_impl(&mut builder)?.resolve_with_client(&Tcp)?;
    let [token] = output;
    Ok((result.status, token.buffer))
}

/// The KDC, at the address of each request.
struct Tcp;

impl NetworkClient for Tcp {
    fn send(&self, request: &NetworkRequest) -> sspi::Result<Vec<u8>> {
        let exchange = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(&*request.url.socket_addrs(|| None)?)?;
            // sspi-rs writes and reads the length in front of messages itself.
            stream.write_all(&request.data)?;
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut answer = length.to_vec();
            answer.resize(4 + u32::from_be_bytes(length) as usize, 0);
            stream.read_exact(&mut answer[4..])?;
            Ok(answer)
        };
        exchange().map_err(|error| Error::new(ErrorKind::NoAuthenticatingAuthority, error.to_string()))
    }
}

fn send(stream: &mut TcpStream, token: &[u8]) -> std::io::Result<()> {
    stream.write_all(&(token.len() as u32).to_be_bytes())?;
    stream.write_all(token)
}

fn receive(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut token = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut token)?;
    Ok(token)
}
