//! The principals that a request needs from the store, asked for and found by the part that each plays in the request.

use crate::entry::Entry;
use kennel_wire::message::Principal;
use std::sync::Arc;

/// The part that a principal plays in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Want {
    /// The client: named by an AS request, by the presented ticket in TGS.
    Client,
    /// What the name of the presented ticket stands for, where it is another name than its client's own (TGS).
    ClientAlias,
    /// The server that the ticket is asked for.
    Server,
    /// The server of the presented ticket (TGS).
    TicketServer,
    /// The server of the ticket that armors the request (FAST).
    ArmorTicketServer,
    /// The server of the additional ticket (user-to-user).
    AdditionalTicketServer,
    /// The realm's own ticket-granting service, whose key vouches for a ticket that comes back. Only where no other part is
    /// played by it.
    TicketGrantingService,
    /// The service of the client's namespace that a short name stands for (TGS).
    NamespaceService,
    /// The ticket-granting service of a realm to refer the client to. A request wants several of them, best first.
    Referral,
}

/// The principals that a request needs next; never empty while it waits.
#[derive(Debug, Default)]
pub struct Wants(Vec<(Want, Principal)>);

/// What the store has of the [`Wants`] of a request: an alias counts as its target, and what is missing was not found.
#[derive(Debug, Default)]
pub struct Found(Vec<(Want, Arc<Entry>)>);

impl Wants {
    /// Each principal with its part.
    pub fn iter(&self) -> impl Iterator<Item = (Want, &Principal)> {
        self.0.iter().map(|(want, principal)| (*want, principal))
    }

    /// Number of principals.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks each of them up with `find`, which does not wait.
    pub fn find(&self, mut find: impl FnMut(&Principal) -> Option<Arc<Entry>>) -> Found {
        let mut found = Found::with_capacity(self.len());
        for (want, principal) in self.iter() {
            found.add(want, find(principal));
        }
        found
    }
}

impl FromIterator<(Want, Principal)> for Wants {
    fn from_iter<I: IntoIterator<Item = (Want, Principal)>>(wants: I) -> Wants {
        Wants(wants.into_iter().collect())
    }
}

impl Found {
    /// Creates an empty `Found` with room for `capacity` entries.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Found {
        Found(Vec::with_capacity(capacity))
    }

    /// Adds what the store says to one want, in the order of [`Wants::iter`].
    pub fn add(&mut self, want: Want, entry: Option<Arc<Entry>>) {
        self.0.extend(entry.map(|entry| (want, entry)));
    }

    /// Removes and returns the entry of one part; of several the first.
    pub(crate) fn take(&mut self, want: Want) -> Option<Arc<Entry>> {
        let at = self.0.iter().position(|(found, _)| *found == want)?;
        Some(self.0.remove(at).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    #[test]
    fn an_entry_is_found_by_its_part_whatever_is_missing_before_it() {
        let entry = |name: &str| Arc::new(Entry::new(record(name)));
        let parts = [Want::Server, Want::Referral, Want::Referral, Want::Client];
        let wants: Wants = parts
            .into_iter()
            .zip("abcd".chars())
            .map(|(want, name)| (want, record(&name.to_string()).principal))
            .collect();
        assert_eq!((wants.len(), wants.is_empty()), (4, false));
        assert_eq!((Wants::default().len(), Wants::default().is_empty()), (0, true));
        let mut found = wants.find(|name| {
            let name = &name.name.components[0];
            ["c", "d"].contains(&name.as_str()).then(|| entry(name))
        });
        let mut take = |want| found.take(want).map(|entry| entry.record.principal.to_string());
        assert_eq!(take(Want::Client).as_deref(), Some("d@R"));
        assert_eq!(take(Want::Server), None);
        assert_eq!(take(Want::Referral).as_deref(), Some("c@R"), "the first that exists");
        assert_eq!(take(Want::Client), None, "each is taken once");
    }
}
