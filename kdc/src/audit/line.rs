//! One event as one line: the same fields, in the same order, as JSON or as text. Names come from strangers, so both
//! forms escape what could break a line or look like another field.

use crate::clock;
use crate::config::AuditFormat;
use bitflags::Flags;
use kennel_core::event::{Decision, Event, Exchange, Issued};
use kennel_crypto::Enctype;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt::Write;

/// The line of an event, without its end.
pub(crate) fn render(event: &Event, format: AuditFormat) -> String {
    let fields = Fields::of(event);
    match format {
        // Maps of text, numbers and lists always serialize.
        AuditFormat::Json => serde_json::to_string(&fields).unwrap_or_default(),
        AuditFormat::Text => fields.text(),
    }
}

/// Names and values in the order of the line.
struct Fields(Vec<(&'static str, Value)>);

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<String>),
}

impl Fields {
    fn of(event: &Event) -> Fields {
        let mut fields = Fields(Vec::with_capacity(24));
        fields.text_field("time", clock::text(event.time));
        fields.text_field("exchange", exchange(event.exchange));
        fields.text_field("outcome", outcome(&event.outcome));
        if let Some(client) = &event.client {
            fields.text_field("client", client.to_string());
        }
        if let Some(server) = &event.server {
            fields.text_field("server", server.to_string());
        }
        fields.text_field("peer", event.peer.to_string());
        fields.decision(&event.outcome);
        if event.exchange != Exchange::Unreadable {
            fields.push("options", Value::List(names(&event.options)));
            fields.push("offered", Value::List(event.offered.iter().map(|n| enctype_or_number(*n)).collect()));
        }
        fields
    }

    fn decision(&mut self, decision: &Decision) {
        match decision {
            Decision::Issued(issued) => self.issued(issued),
            Decision::PreauthRequired => {}
            Decision::Refused { refusal, code } => {
                self.text_field("reason", refusal.name());
                self.text_field("text", refusal.text());
                self.push("code", Value::Number(code.0.into()));
            }
            Decision::Dropped(refusal) => {
                self.text_field("reason", refusal.name());
                self.text_field("text", refusal.text());
            }
        }
    }

    fn issued(&mut self, issued: &Issued) {
        self.push("flags", Value::List(names(&issued.ticket_flags)));
        self.text_field("ticket_enctype", issued.ticket_enctype.name());
        self.text_field("session_enctype", issued.session_enctype.name());
        self.text_field("reply_enctype", issued.reply_enctype.name());
        if let Some(kvno) = issued.kvno {
            self.push("kvno", Value::Number(kvno.into()));
        }
        self.text_field("authtime", clock::text_seconds(issued.authtime));
        self.text_field("starttime", clock::text_seconds(issued.starttime));
        self.text_field("endtime", clock::text_seconds(issued.endtime));
        if let Some(renew_till) = issued.renew_till {
            self.text_field("renew_till", clock::text_seconds(renew_till));
        }
        self.push("referral", Value::Flag(issued.referral));
        self.push("user_to_user", Value::Flag(issued.user_to_user));
        self.push("would_deny", Value::Flag(issued.would_deny));
    }

    fn push(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    fn text_field(&mut self, name: &'static str, value: impl Into<String>) {
        self.push(name, Value::Text(value.into()));
    }

    /// `name=value` with spaces between; a value that is not plain is quoted and escaped.
    fn text(&self) -> String {
        let mut line = String::with_capacity(512);
        for (name, value) in &self.0 {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(name);
            line.push('=');
            match value {
                Value::Text(text) => push_plain_or_quoted(&mut line, text),
                Value::Number(number) => _ = write!(line, "{number}"),
                Value::Flag(flag) => _ = write!(line, "{flag}"),
                // Made of names of ours alone.
                Value::List(items) => line.push_str(&items.join(",")),
            }
        }
        line
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

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

fn exchange(exchange: Exchange) -> &'static str {
    match exchange {
        Exchange::As => "AS",
        Exchange::Tgs => "TGS",
        Exchange::Unreadable => "unreadable",
    }
}

fn outcome(decision: &Decision) -> &'static str {
    match decision {
        Decision::Issued(_) => "issued",
        Decision::PreauthRequired => "preauth-required",
        Decision::Refused { .. } => "refused",
        Decision::Dropped(_) => "dropped",
    }
}

/// `forwardable`, `renewable-ok` and so on.
fn names<F: Flags>(flags: &F) -> Vec<String> {
    flags.iter_names().map(|(name, _)| name.to_ascii_lowercase().replace('_', "-")).collect()
}

fn enctype_or_number(number: i32) -> String {
    Enctype::from_number(number).map_or_else(|| number.to_string(), |e| e.name().to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use kennel_core::refusal::Refusal;
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
            options: KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE_OK,
            offered: vec![20, 18, -128],
            outcome: Decision::Refused { refusal, code: refusal.code() },
        }
    }

    fn issued() -> Event {
        Event {
            exchange: Exchange::Tgs,
            outcome: Decision::Issued(Issued {
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
        serde_json::from_str(&render(event, AuditFormat::Json)).unwrap()
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
    fn the_text_form_has_the_fields_of_the_json_form() {
        let text = render(&issued(), AuditFormat::Text);
        let object = json(&issued());
        for (name, _) in object.as_object().unwrap() {
            assert!(text.contains(&format!("{name}=")), "{name} in {text}");
        }
        assert!(text.starts_with("time=2026-11-23T16:00:00.000007Z exchange=TGS outcome=issued client=alice@R "));
    }

    #[test]
    fn a_name_cannot_forge_a_line_or_a_field() {
        let hostile = "x outcome=issued\n{\"outcome\":\"issued\"}\u{202e}\u{7f}\" y=\"";
        let text = render(&refused(hostile), AuditFormat::Text);
        assert_eq!(text.lines().count(), 1);
        assert!(text.is_ascii());
        assert_eq!(text.matches(" outcome=").count(), 2, "one of its own, one inside the quotes: {text}");
        assert!(text.contains("client=\"x outcome=issued"), "{text}");
        assert!(text.contains("\\\" y=\\\""), "{text}");
        let line = render(&refused(hostile), AuditFormat::Json);
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
        let text = render(&event, AuditFormat::Text);
        assert!(text.contains("exchange=unreadable outcome=dropped peer="), "{text}");
        assert!(!text.contains("options=") && !text.contains("client="));
    }
}
