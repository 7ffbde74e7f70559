//! One event as one line: the same fields, in the same order, as JSON or as text. Names come from strangers, so both
//! forms escape what could break a line or look like another field. Fields go straight into the batch: a line costs
//! little next to the request that it tells of.

use crate::clock;
use crate::config::AuditFormat;
use bitflags::Flags;
use kennel_core::enrolment::{EnrolmentEvent, EnrolmentOutcome, GrantedKeys};
use kennel_core::event::{Decision, Event, Exchange, IssuedTicket};
use kennel_core::refusal::Refusal;
use kennel_crypto::Enctype;
use std::fmt::{Display, Write};

/// Appends the line of an event, with its end, to a batch.
pub(super) fn write(event: &Event, format: AuditFormat, batch: &mut String) {
    let mut line = Line { out: batch, format, first: true };
    line.begin();
    line.event(event);
    line.end();
}

/// Appends the line of an enrolment.
pub(super) fn write_enrolment(event: &EnrolmentEvent, format: AuditFormat, batch: &mut String) {
    let mut line = Line { out: batch, format, first: true };
    line.begin();
    line.enrolment(event);
    line.end();
}

/// A line under way.
struct Line<'a> {
    out: &'a mut String,
    format: AuditFormat,
    first: bool,
}

/// What an event says, in order.
impl Line<'_> {
    fn event(&mut self, event: &Event) {
        self.word("time", clock::text(event.time));
        self.word("exchange", event.exchange.name());
        self.word("outcome", event.outcome.name());
        if let Some(client) = &event.client {
            self.text("client", client);
        }
        if let Some(server) = &event.server {
            self.text("server", server);
        }
        if let Some(pod) = &event.pod {
            self.text("pod", pod);
            self.text("pod_uid", &pod.uid);
        }
        self.word("peer", event.peer);
        match &event.outcome {
            Decision::Issued(issued) => self.issued(issued),
            Decision::PreauthRequired => {}
            Decision::Refused { refusal, code } => {
                self.reason(*refusal);
                self.bare("code", code.0);
            }
            Decision::Dropped(refusal) => self.reason(*refusal),
        }
        if event.exchange != Exchange::Unreadable {
            self.flags("options", &event.options);
            self.enctypes("offered", &event.offered);
        }
    }

    fn enrolment(&mut self, event: &EnrolmentEvent) {
        self.word("time", clock::text(event.time));
        self.word("exchange", "enrolment");
        self.word("outcome", event.outcome.name());
        if let Some(client) = &event.client {
            self.text("client", client);
        }
        if let Some(account) = &event.account {
            self.text("account", account);
        }
        if let Some(pod) = &event.pod {
            self.text("pod", pod);
            self.text("pod_uid", &pod.uid);
        }
        self.word("peer", event.peer);
        match &event.outcome {
            EnrolmentOutcome::Granted(granted) => {
                let kvnos = |entry: &GrantedKeys| entry.kvnos.iter().map(u32::to_string).collect::<Vec<_>>().join("+");
                let keys = granted.keytab.iter().map(|entry| format!("{} {}", entry.principal, kvnos(entry)));
                self.text("keytab", keys.collect::<Vec<_>>().join(", "));
                if let Some(issued) = &granted.ticket {
                    self.issued(issued);
                }
            }
            EnrolmentOutcome::Refused { refusal, ticket } => {
                self.word("reason", refusal.name());
                self.text("text", refusal.text());
                self.bare("status", refusal.status());
                if let Some(ticket) = ticket {
                    self.word("ticket_reason", ticket.name());
                    self.text("ticket_text", ticket.text());
                }
            }
        }
    }

    fn issued(&mut self, issued: &IssuedTicket) {
        self.flags("flags", &issued.ticket_flags);
        self.word("ticket_enctype", issued.ticket_enctype);
        self.word("session_enctype", issued.session_enctype);
        self.word("reply_enctype", issued.reply_enctype);
        if let Some(kvno) = issued.kvno {
            self.bare("kvno", kvno);
        }
        self.word("authtime", clock::text_seconds(issued.authtime));
        self.word("starttime", clock::text_seconds(issued.starttime));
        self.word("endtime", clock::text_seconds(issued.endtime));
        if let Some(renew_till) = issued.renew_till {
            self.word("renew_till", clock::text_seconds(renew_till));
        }
        self.bare("referral", issued.referral);
        self.bare("user_to_user", issued.user_to_user);
        self.bare("would_deny", issued.would_deny);
    }

    fn reason(&mut self, refusal: Refusal) {
        self.word("reason", refusal.name());
        self.text("text", refusal.text());
    }
}

/// How it is written.
impl Line<'_> {
    fn begin(&mut self) {
        if self.format == AuditFormat::Json {
            self.out.push('{');
        }
    }

    fn end(&mut self) {
        self.out.push_str(if self.format == AuditFormat::Json { "}\n" } else { "\n" });
    }

    fn name(&mut self, name: &'static str) {
        let (between, before, after) = match self.format {
            AuditFormat::Json => (",", "\"", "\":"),
            AuditFormat::Text => (" ", "", "="),
        };
        if !std::mem::take(&mut self.first) {
            self.out.push_str(between);
        }
        for part in [before, name, after] {
            self.out.push_str(part);
        }
    }

    /// A number, `true` or `false`.
    fn bare(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        _ = write!(self.out, "{value}");
    }

    /// A value that this program makes, without anything that would have to be escaped.
    fn word(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        _ = match self.format {
            AuditFormat::Json => write!(self.out, "\"{value}\""),
            AuditFormat::Text => write!(self.out, "{value}"),
        };
    }

    /// A value that may hold anything.
    fn text(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        let value = value.to_string();
        match self.format {
            // Text always serializes.
            AuditFormat::Json => self.out.push_str(&serde_json::to_string(&value).unwrap_or_default()),
            AuditFormat::Text => push_plain_or_quoted(self.out, &value),
        }
    }

    /// `forwardable`, `renewable-ok` and so on.
    fn flags(&mut self, name: &'static str, flags: &impl Flags) {
        let small = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
        self.list(name, flags.iter_names(), |out, (flag, _)| out.extend(flag.chars().map(small)));
    }

    fn enctypes(&mut self, name: &'static str, numbers: &[i32]) {
        self.list(name, numbers.iter(), |out, number| match Enctype::from_number(*number) {
            Some(enctype) => out.push_str(enctype.name()),
            None => _ = write!(out, "{number}"),
        });
    }

    /// A list of words; `push` writes one.
    fn list<T>(&mut self, name: &'static str, items: impl Iterator<Item = T>, push: impl Fn(&mut String, T)) {
        self.name(name);
        let (open, quote, close) = match self.format {
            AuditFormat::Json => ("[", "\"", "]"),
            AuditFormat::Text => ("", "", ""),
        };
        self.out.push_str(open);
        for (number, item) in items.enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            self.out.push_str(quote);
            push(self.out, item);
            self.out.push_str(quote);
        }
        self.out.push_str(close);
    }
}

/// A value that is not plain is quoted and escaped.
fn push_plain_or_quoted(line: &mut String, text: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@/._:+-[]".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars() {
        line.extend(c.escape_default());
    }
    line.push('"');
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kennel_core::pods::PodRef;
    use kennel_wire::message::{KdcOptions, KerberosTime, NameType, Principal, PrincipalName, TicketFlags, Timestamp};

    const AT: KerberosTime = KerberosTime(1_795_449_600);

    /// A refusal for a client of this name.
    pub(crate) fn refused(client: &str) -> Event {
        let refusal = Refusal::StoreUnavailable;
        Event {
            time: Timestamp { time: AT, micros: 7 },
            peer: "127.0.0.1:4711".parse().unwrap(),
            exchange: Exchange::As,
            client: Some(Principal::new(PrincipalName::new(NameType::PRINCIPAL, [client]), "R")),
            server: Some(Principal::krbtgt("R", "R")),
            pod: None,
            options: KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE_OK,
            offered: vec![20, 18, -128],
            outcome: Decision::Refused { refusal, code: refusal.code() },
        }
    }

    fn rendered(event: &Event, format: AuditFormat) -> String {
        let mut batch = String::new();
        write(event, format, &mut batch);
        assert_eq!(batch.matches('\n').count(), 1);
        batch.trim_end_matches('\n').to_owned()
    }

    fn issued() -> Event {
        Event {
            exchange: Exchange::Tgs,
            outcome: Decision::Issued(IssuedTicket {
                ticket_flags: TicketFlags::FORWARDABLE | TicketFlags::PRE_AUTHENT,
                ticket_enctype: Enctype::Aes256CtsHmacSha384,
                session_enctype: Enctype::Aes256CtsHmacSha1,
                reply_enctype: Enctype::Aes128CtsHmacSha256,
                kvno: Some(3),
                authtime: AT,
                starttime: AT,
                endtime: AT.plus(36_000),
                renew_till: None,
                referral: false,
                user_to_user: true,
                would_deny: false,
            }),
            ..refused("alice")
        }
    }

    fn json(event: &Event) -> serde_json::Value {
        serde_json::from_str(&rendered(event, AuditFormat::Json)).unwrap()
    }

    #[test]
    fn a_refusal_names_who_what_and_why() {
        let line = json(&refused("alice"));
        assert_eq!(line["time"], "2026-11-23T16:00:00.000007Z");
        assert_eq!(line["exchange"], "AS");
        assert_eq!(line["outcome"], "refused");
        assert_eq!(line["client"], "alice@R");
        assert_eq!(line["server"], "krbtgt/R@R");
        assert_eq!(line["peer"], "127.0.0.1:4711");
        assert_eq!(line["reason"], "StoreUnavailable");
        assert_eq!(line["code"], 29);
        assert_eq!(line["options"], serde_json::json!(["forwardable", "renewable-ok"]));
        assert_eq!(
            line["offered"],
            serde_json::json!(["aes256-cts-hmac-sha384-192", "aes256-cts-hmac-sha1-96", "-128"])
        );
    }

    #[test]
    fn an_issued_ticket_names_its_enctypes_flags_and_times() {
        let line = json(&issued());
        assert_eq!(line["outcome"], "issued");
        assert_eq!(line["flags"], serde_json::json!(["forwardable", "pre-authent"]));
        assert_eq!(line["ticket_enctype"], "aes256-cts-hmac-sha384-192");
        assert_eq!(line["session_enctype"], "aes256-cts-hmac-sha1-96");
        assert_eq!(line["reply_enctype"], "aes128-cts-hmac-sha256-128");
        assert_eq!(line["kvno"], 3);
        assert_eq!(line["endtime"], "2026-11-24T02:00:00Z");
        assert_eq!(line["user_to_user"], true);
        assert!(line.get("renew_till").is_none());
    }

    #[test]
    fn an_enrolment_names_account_pod_and_reason() {
        use kennel_core::enrolment::EnrolmentRefusal;
        let pod = PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: "u-1".into() };
        let event = EnrolmentEvent {
            time: refused("x").time,
            peer: refused("x").peer,
            account: Some("system:serviceaccount:shop:cart".into()),
            pod: Some(pod),
            client: None,
            outcome: EnrolmentOutcome::Refused { refusal: EnrolmentRefusal::PodEnded, ticket: None },
        };
        let mut batch = String::new();
        write_enrolment(&event, AuditFormat::Json, &mut batch);
        let line: serde_json::Value = serde_json::from_str(&batch).unwrap();
        assert_eq!((&line["exchange"], &line["outcome"]), (&"enrolment".into(), &"refused".into()));
        assert_eq!((&line["reason"], &line["status"]), (&"PodEnded".into(), &403.into()));
        assert_eq!((&line["pod"], &line["pod_uid"]), (&"shop/cart-1".into(), &"u-1".into()));
    }

    #[test]
    fn the_text_form_has_the_fields_of_the_json_form() {
        let text = rendered(&issued(), AuditFormat::Text);
        let object = json(&issued());
        for (name, _) in object.as_object().unwrap() {
            assert!(text.contains(&format!("{name}=")), "{name} in {text}");
        }
        assert!(text.starts_with("time=2026-11-23T16:00:00.000007Z exchange=TGS outcome=issued client=alice@R "));
    }

    #[test]
    fn a_name_cannot_forge_a_line_or_a_field() {
        let hostile = "x outcome=issued\n{\"outcome\":\"issued\"}\u{202e}\u{7f}\" y=\"";
        let text = rendered(&refused(hostile), AuditFormat::Text);
        assert_eq!(text.lines().count(), 1);
        assert!(text.is_ascii());
        assert_eq!(text.matches(" outcome=").count(), 2, "one of its own, one inside the quotes: {text}");
        assert!(text.contains("client=\"x outcome=issued"), "{text}");
        assert!(text.contains("\\\" y=\\\""), "{text}");
        let line = rendered(&refused(hostile), AuditFormat::Json);
        assert_eq!(line.lines().count(), 1);
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["outcome"], "refused");
    }

    #[test]
    fn an_unreadable_request_has_no_options_and_no_names() {
        let event = Event {
            exchange: Exchange::Unreadable,
            client: None,
            server: None,
            outcome: Decision::Dropped(Refusal::NotARequest),
            ..refused("x")
        };
        let text = rendered(&event, AuditFormat::Text);
        assert!(text.contains("exchange=unreadable outcome=dropped peer="), "{text}");
        assert!(!text.contains("options=") && !text.contains("client="));
    }
}
