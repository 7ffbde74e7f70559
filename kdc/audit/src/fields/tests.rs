//! The lines of events, in both forms.

use crate::line::{self, LineFormat};
use crate::testing::{clock, issued, refused};
use kennel_core::access::denial::{AccessDenial, DenialReason};
use kennel_core::admin::caller::{AdminService, Caller};
use kennel_core::admin::event::AdminEvent;
use kennel_core::enrolment::{EnrolmentEvent, EnrolmentOutcome, EnrolmentRefusal};
use kennel_core::event::{Decision, Event, Exchange, IssuedTicket};
use kennel_core::pods::PodRef;
use kennel_core::refusal::Refusal;
use kennel_core::rotation::event::{OrderedBy, RotationAction, RotationEvent};
use kennel_wire::message::Principal;

fn rendered(event: &Event, format: LineFormat) -> String {
    let mut batch = String::new();
    line::write(event, format, &mut batch);
    assert_eq!(batch.matches('\n').count(), 1);
    batch.trim_end_matches('\n').to_owned()
}

fn json(event: &Event) -> serde_json::Value {
    serde_json::from_str(&rendered(event, LineFormat::Json)).unwrap()
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
    assert_eq!(line["offered"], serde_json::json!(["aes256-cts-hmac-sha384-192", "aes256-cts-hmac-sha1-96", "-128"]));
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

fn denial() -> AccessDenial {
    AccessDenial::new(DenialReason::NoAccess, "no KerberosAccess in shop allows batch.shop to call web")
}

#[test]
fn a_ticket_names_the_access_that_allows_it_and_a_denial_what_is_missing() {
    let allowed = json(&issued());
    assert_eq!((&allowed["allowed_by"], &allowed["would_deny"]), (&"shop/web".into(), &false.into()));
    assert!(allowed.get("denial").is_none() && allowed.get("text").is_none());
    let missing = "no KerberosAccess in shop allows batch.shop to call web";
    let refusal = Refusal::AccessDenied;
    let outcome = Decision::Refused { refusal, code: refusal.code(), denial: Some(denial()) };
    let denied = json(&Event { outcome, ..issued() });
    assert_eq!((&denied["reason"], &denied["denial"]), (&"AccessDenied".into(), &"NoAccess".into()));
    assert_eq!((&denied["text"], &denied["code"]), (&missing.into(), &12.into()));
}

#[test]
fn a_ticket_that_enforce_would_deny_names_what_is_missing() {
    let Decision::Issued(ticket) = issued().outcome else { panic!("issued") };
    let outcome = Decision::Issued(IssuedTicket { allowed_by: None, would_deny: Some(denial()), ..ticket });
    let line = json(&Event { outcome, ..issued() });
    assert_eq!((&line["outcome"], &line["would_deny"]), (&"issued".into(), &true.into()));
    assert_eq!(line["denial"], "NoAccess");
    assert_eq!(line["text"], "no KerberosAccess in shop allows batch.shop to call web");
    assert!(line.get("allowed_by").is_none() && line.get("reason").is_none());
}

#[test]
fn an_armored_request_names_whose_ticket_the_armor_is() {
    let host = refused("host/web.shop").client;
    assert_eq!(json(&Event { armor: host, ..issued() })["armor"], "host\\/web.shop@R");
    assert!(json(&issued()).get("armor").is_none());
}

#[test]
fn an_enrolment_names_account_pod_and_reason() {
    let pod = PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: "u-1".into() };
    let event = EnrolmentEvent {
        time: clock(),
        peer: refused("x").peer,
        account: Some("system:serviceaccount:shop:cart".into()),
        pod: Some(pod),
        client: None,
        outcome: EnrolmentOutcome::Refused { refusal: EnrolmentRefusal::PodEnded, ticket: None },
    };
    let mut batch = String::new();
    line::write(&event, LineFormat::Json, &mut batch);
    let line: serde_json::Value = serde_json::from_str(&batch).unwrap();
    assert_eq!((&line["exchange"], &line["outcome"]), (&"enrolment".into(), &"refused".into()));
    assert_eq!((&line["reason"], &line["status"]), (&"PodEnded".into(), &403.into()));
    assert_eq!((&line["pod"], &line["pod_uid"]), (&"shop/cart-1".into(), &"u-1".into()));
}

#[test]
fn the_text_form_has_the_fields_of_the_json_form() {
    let text = rendered(&issued(), LineFormat::Text);
    let object = json(&issued());
    for (name, _) in object.as_object().unwrap() {
        assert!(text.contains(&format!("{name}=")), "{name} in {text}");
    }
    assert!(text.starts_with("time=2026-11-23T16:00:00.000007Z exchange=TGS outcome=issued client=alice@R "));
}

#[test]
fn a_name_cannot_forge_a_line_or_a_field() {
    let hostile = "x outcome=issued\n{\"outcome\":\"issued\"}\u{202e}\u{7f}\" y=\"";
    let text = rendered(&refused(hostile), LineFormat::Text);
    assert_eq!(text.lines().count(), 1);
    assert!(text.is_ascii());
    assert_eq!(text.matches(" outcome=").count(), 2, "one of its own, one inside the quotes: {text}");
    assert!(text.contains("client=\"x outcome=issued"), "{text}");
    assert!(text.contains("\\\" y=\\\""), "{text}");
    let line = rendered(&refused(hostile), LineFormat::Json);
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
    let text = rendered(&event, LineFormat::Text);
    assert!(text.contains("exchange=unreadable outcome=dropped peer="), "{text}");
    assert!(!text.contains("options=") && !text.contains("client="));
}

#[test]
fn an_order_and_a_step_name_the_principal_the_versions_and_who_asked() {
    let written = |action, by| {
        let principal = Some(Principal::parse("HTTP/web.shop", "R").unwrap());
        let mut batch = String::new();
        line::write(&RotationEvent { time: clock(), principal, action, by }, LineFormat::Json, &mut batch);
        serde_json::from_str::<serde_json::Value>(&batch).unwrap()
    };
    let by = OrderedBy { user: "alice".into(), peer: refused("x").peer.ip() };
    let order = written(RotationAction::Ordered, Some(by));
    assert_eq!((&order["exchange"], &order["outcome"]), (&"rotation".into(), &"ordered".into()));
    assert_eq!((&order["principal"], &order["user"]), (&"HTTP/web.shop@R".into(), &"alice".into()));
    assert!(order.get("kvno").is_none());
    let step = written(RotationAction::Activated(7), None);
    assert_eq!((&step["kvno"], step.get("user")), (&7.into(), None));
    assert_eq!(written(RotationAction::Dropped(vec![6, 5]), None)["kvno"], "6+5");
    assert_eq!(written(RotationAction::Refused("NotPermitted"), None)["reason"], "NotPermitted");
}

#[test]
fn an_operation_of_administration_names_who_did_what_and_which_keys_left() {
    let client = Principal::parse("alice/admin", "R").unwrap();
    let peer = refused("x").peer.ip();
    let event = AdminEvent {
        time: clock(),
        caller: Caller::Principal { client, service: AdminService::Admin, initial: true, peer },
        operation: "extract-keys",
        target: Some("HTTP/web@R".into()),
        new_name: None,
        kvnos: vec![3, 2],
        forced: false,
        refusal: None,
    };
    let written = |event: &AdminEvent| {
        let mut batch = String::new();
        line::write(event, LineFormat::Json, &mut batch);
        serde_json::from_str::<serde_json::Value>(&batch).unwrap()
    };
    let line = written(&event);
    assert_eq!((&line["exchange"], &line["outcome"]), (&"admin".into(), &"done".into()));
    assert_eq!((&line["operation"], &line["client"]), (&"extract-keys".into(), &"alice/admin@R".into()));
    assert_eq!((&line["target"], &line["kvno"]), (&"HTTP/web@R".into(), &"3+2".into()));
    assert!(line.get("forced").is_none() && line.get("reason").is_none());
    let refused = written(&AdminEvent { kvnos: Vec::new(), refusal: Some("NotPermitted"), forced: true, ..event });
    assert_eq!((&refused["outcome"], &refused["reason"]), (&"refused".into(), &"NotPermitted".into()));
    assert_eq!((&refused["forced"], refused.get("kvno")), (&true.into(), None));
}
