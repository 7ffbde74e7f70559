//! Fields of an order and of a step of a rotation: which principal, which versions, and who asked.

use crate::line::{Fields, Line};
use kennel_core::rotation::event::{RotationAction, RotationEvent};

impl Fields for RotationEvent {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", "rotation");
        line.word("outcome", self.action.name());
        if let Some(principal) = &self.principal {
            line.text("principal", principal);
        }
        if let RotationAction::Refused(reason) = &self.action {
            line.word("reason", reason);
        }
        match self.action.kvnos() {
            [] => {}
            [one] => line.bare("kvno", one),
            several => line.word("kvno", several.iter().map(u32::to_string).collect::<Vec<_>>().join("+")),
        }
        if let Some(by) = &self.by {
            line.text("user", &by.user);
            line.word("peer", by.peer);
        }
    }
}
