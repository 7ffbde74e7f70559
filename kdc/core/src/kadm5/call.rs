//! One call of a procedure: octets in, an operation, its answer, octets out.

use crate::admin::caller::AdminService;
use crate::admin::operation::{Answer, Operation};
use crate::admin::refusal::AdminRefusal;
use crate::kadm5::operations::operation;
use crate::kadm5::results::{new_keys, results};
use crate::kadm5::status::{not_by_change_password, status, unserved};
use crate::realm::Realm;
use kennel_wire::kadm5::arguments::{Arguments, version_number};
use kennel_wire::kadm5::principal::PrincipalMask;
use kennel_wire::kadm5::procedure::{ApiVersion, Procedure};
use kennel_wire::kadm5::results::{Response, Results};
use kennel_wire::kadm5::status::Kadm5Status;
use zeroize::Zeroizing;

/// The next step of a call.
#[derive(Debug)]
pub enum Kadm5Step {
    /// The operation is to be performed; [`Kadm5Call::finish`] takes its answer.
    Perform(Box<Operation>, Kadm5Call),
    /// The results of the procedure, as octets, which need no operation.
    Answered(Zeroizing<Vec<u8>>),
    /// There is no such procedure.
    ProcedureUnavailable,
    /// The arguments cannot be read.
    Garbage,
}

/// A call whose operation is being performed.
#[derive(Debug)]
pub struct Kadm5Call {
    procedure: Procedure,
    version: u32,
    /// The fields of a principal that are asked for.
    mask: PrincipalMask,
}

impl Kadm5Call {
    /// Reads a call that comes through a service.
    #[must_use]
    pub fn begin(procedure: u32, arguments: &[u8], service: AdminService, realm: &Realm) -> Kadm5Step {
        let Some(procedure) = Procedure::from_number(procedure) else { return Kadm5Step::ProcedureUnavailable };
        let Ok(version) = version_number(arguments) else { return Kadm5Step::Garbage };
        let mut call = Kadm5Call { procedure, version, mask: PrincipalMask::empty() };
        let api = match ApiVersion::from_number(version) {
            Ok(api) => api,
            Err(reason) => return Kadm5Step::Answered(call.respond(Err(unserved(reason)))),
        };
        let Ok(arguments) = Arguments::decode(procedure, api, arguments) else { return Kadm5Step::Garbage };
        if service == AdminService::ChangePassword
            && let Err(status) = not_by_change_password(procedure)
        {
            return Kadm5Step::Answered(call.respond(Err(status)));
        }
        call.mask = match &arguments {
            Arguments::GetPrincipal { mask, .. } => *mask,
            _ => PrincipalMask::empty(),
        };
        match operation(arguments, realm) {
            Ok(Some(operation)) => Kadm5Step::Perform(Box::new(operation), call),
            Ok(None) => Kadm5Step::Answered(call.respond(Ok(Results::Done))),
            Err(status) => Kadm5Step::Answered(call.respond(Err(status))),
        }
    }

    /// The results of the procedure, as octets.
    #[must_use]
    pub fn finish(&self, answer: Result<Answer, AdminRefusal>, realm: &Realm) -> Zeroizing<Vec<u8>> {
        let outcome = match answer {
            Ok(Answer::Keys(versions)) if self.makes_keys() => Ok(new_keys(&versions)),
            Ok(answer) => Ok(results(answer, self.mask, realm)),
            Err(refusal) => Err(status(&refusal, self.procedure)),
        };
        self.respond(outcome)
    }

    fn makes_keys(&self) -> bool {
        matches!(self.procedure, Procedure::RandomizeKeys | Procedure::RandomizeKeys3)
    }

    fn respond(&self, outcome: Result<Results, Kadm5Status>) -> Zeroizing<Vec<u8>> {
        Response { version: self.version, outcome }.encode(self.procedure)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
