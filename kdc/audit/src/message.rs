//! What requests hand over to the writer of the trail.

use crate::backlog::weight;
use crate::line::{self, LineFormat};
use kennel_core::admin::event::AdminEvent;
use kennel_core::enrolment::EnrolmentEvent;
use kennel_core::event::Event;
use kennel_core::kpasswd::event::PasswordEvent;
use kennel_core::rotation::event::RotationEvent;
use kennel_wire::message::{Principal, Timestamp};

/// A message to the writer.
pub(crate) enum Message {
    /// Events of the requests of a batch, in order, and the time at which those were answered.
    Events(Vec<Event>, Timestamp),
    Enrolment(Box<EnrolmentEvent>),
    Rotation(Box<RotationEvent>),
    Admin(Box<AdminEvent>),
    Password(Box<PasswordEvent>),
    /// The file of the trail was moved away: what follows goes into a new one.
    Reopen,
    Stop,
}

impl Message {
    /// Octets that the message occupies.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Message::Events(events, _) => events.iter().map(weight).sum(),
            Message::Enrolment(event) => size_of_val(&**event) + event.account.as_ref().map_or(0, String::len),
            Message::Rotation(event) => size_of_val(&**event) + event.by.as_ref().map_or(0, |by| by.user.len()),
            Message::Admin(event) => {
                let texts = [&event.target, &event.new_name].into_iter().flatten().map(String::len);
                size_of_val(&**event) + texts.sum::<usize>()
            }
            Message::Password(event) => password_weight(event),
            Message::Reopen | Message::Stop => 0,
        }
    }

    /// Appends the lines of the message to a batch.
    pub(crate) fn write(&self, format: LineFormat, batch: &mut String) {
        match self {
            Message::Events(events, _) => events.iter().for_each(|event| line::write(event, format, batch)),
            Message::Enrolment(event) => line::write(&**event, format, batch),
            Message::Rotation(event) => line::write(&**event, format, batch),
            Message::Admin(event) => line::write(&**event, format, batch),
            Message::Password(event) => line::write(&**event, format, batch),
            Message::Reopen | Message::Stop => {}
        }
    }
}

fn password_weight(event: &PasswordEvent) -> usize {
    let octets = |name: &Principal| name.realm.len() + name.name.components.iter().map(String::len).sum::<usize>();
    size_of_val(event) + event.client.iter().chain(&event.target).map(octets).sum::<usize>()
}
