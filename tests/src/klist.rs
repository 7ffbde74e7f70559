//! Parses the output of `klist -e -f -a -n`.

use anyhow::{Context, Result};

/// One ticket as klist shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Name of the server, with its realm.
    pub server: String,
    /// Flags, such as `FPRIA`.
    pub flags: String,
    /// Enctype of the session key.
    pub session_enctype: String,
    /// Enctype of the ticket.
    pub ticket_enctype: String,
    /// Addresses; `(none)` where there are none.
    pub addresses: String,
}

/// Reads klist's output.
///
/// # Errors
/// The text is not output of klist.
pub fn parse(text: &str) -> Result<Vec<Shown>> {
    let (_, listed) =
        text.split_once("Service principal\n").with_context(|| format!("no list of tickets in: {text}"))?;
    let mut tickets: Vec<Shown> = Vec::new();
    for line in listed.lines() {
        match line.strip_prefix('\t') {
            None => tickets.extend(ticket_line(line)),
            Some(detail) => {
                let ticket = tickets.last_mut().with_context(|| format!("a detail before any ticket in: {text}"))?;
                read_detail(detail, ticket);
            }
        }
    }
    Ok(tickets)
}

/// `11/23/2026 16:00:00  11/24/2026 02:00:00  krbtgt/R@R`, where dates and times are single words.
fn ticket_line(line: &str) -> Option<Shown> {
    let server = line.split_whitespace().nth(4)?;
    Some(Shown { server: server.to_owned(), ..Shown::default() })
}

/// `renew until .., Flags: FRIA`, `Etype (skey, tkt): a, b` or `Addresses: ..`.
fn read_detail(detail: &str, ticket: &mut Shown) {
    if let Some((_, flags)) = detail.split_once("Flags: ") {
        ticket.flags = flags.trim().to_owned();
    }
    if let Some((session, sealed)) =
        detail.split_once("Etype (skey, tkt): ").and_then(|(_, both)| both.split_once(", "))
    {
        ticket.session_enctype = session.trim().to_owned();
        ticket.ticket_enctype = sealed.trim().to_owned();
    }
    if let Some((_, addresses)) = detail.split_once("Addresses: ") {
        ticket.addresses = addresses.trim().to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_read_with_their_details() {
        let text = "Ticket cache: FILE:/x\nDefault principal: a@R\n\nValid starting       Expires              Service principal\n\
                    11/23/2026 16:00:00  11/24/2026 02:00:00  krbtgt/R@R\n\
                    \trenew until 11/30/2026 16:00:00, Flags: FRIA\n\
                    \tEtype (skey, tkt): aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha1-96 \n\
                    \tAddresses: (none)\n\
                    11/23/2026 16:00:01  11/24/2026 02:00:00  HTTP/h@R\n\tFlags: FA\n";
        let shown = parse(text).unwrap();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].server, "krbtgt/R@R");
        assert_eq!(shown[0].flags, "FRIA");
        assert_eq!(shown[0].session_enctype, "aes256-cts-hmac-sha384-192");
        assert_eq!(shown[0].ticket_enctype, "aes128-cts-hmac-sha1-96");
        assert_eq!(shown[0].addresses, "(none)");
        assert_eq!(shown[1].flags, "FA");
    }

    #[test]
    fn an_empty_cache_is_an_error() {
        assert!(parse("klist: No credentials cache found").is_err());
    }
}
