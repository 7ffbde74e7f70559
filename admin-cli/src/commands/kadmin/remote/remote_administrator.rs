//! Operations by calls of procedures.

use crate::commands::kadmin::failure::Failure;
use crate::commands::kadmin::remote::answers::{answer, keys_of_version};
use crate::commands::kadmin::remote::connection::{Connection, NO_SERVER};
use crate::commands::kadmin::remote::refusals::refusal;
use crate::commands::kadmin::remote::requests::{policy_arguments, principal_arguments, shown_mask};
use kennel_wire::admin::{AdminAnswer, PolicyOperation, PrincipalOperation};
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::principal::{KdbAttributes, PrincipalEntry};
use kennel_wire::kadm5::results::Results;
use kennel_wire::message::Principal;
use tokio::sync::Mutex;

/// A server of administration that the caller is logged in at.
pub(crate) struct RemoteAdministrator {
    connection: Mutex<Connection>,
    realm: String,
}

impl RemoteAdministrator {
    pub(crate) fn new(connection: Connection, realm: String) -> RemoteAdministrator {
        RemoteAdministrator { connection: Mutex::new(connection), realm }
    }

    /// Carries out an operation on a principal, and answers as the admin API does.
    pub(crate) async fn about_principals(&self, operation: PrincipalOperation) -> Result<AdminAnswer, Failure> {
        let made_keys = match &operation {
            PrincipalOperation::RandomizeKeys { principal, .. } => Some(self.name(principal)?),
            _ => None,
        };
        let results = self.perform(operation).await?;
        match (made_keys, results) {
            // The results do not say which version the keys are of.
            (Some(principal), Results::Keys(keys)) => {
                let entry = self.entry(&principal).await?;
                Ok(keys_of_version(&principal, entry.kvno, keys))
            }
            (_, results) => Ok(answer(results)),
        }
    }

    /// Carries out a change, whatever it answers.
    pub(crate) async fn change_principal(&self, operation: PrincipalOperation) -> Result<(), Failure> {
        self.perform(operation).await.map(drop)
    }

    /// Carries out an operation on a policy, and answers as the admin API does.
    pub(crate) async fn about_policies(&self, operation: PolicyOperation) -> Result<AdminAnswer, Failure> {
        let is_listing = matches!(operation, PolicyOperation::List { .. });
        Ok(match self.call(policy_arguments(operation)).await? {
            Results::Names(policies) if is_listing => AdminAnswer::Policies { policies },
            results => answer(results),
        })
    }

    async fn perform(&self, operation: PrincipalOperation) -> Result<Results, Failure> {
        // A change of attributes is sent as all that there are then.
        let present = match &operation {
            PrincipalOperation::Modify { principal, settings }
                if !(settings.set.is_empty() && settings.clear.is_empty()) =>
            {
                self.entry(&self.name(principal)?).await?.attributes
            }
            _ => KdbAttributes::empty(),
        };
        let arguments = principal_arguments(operation, &self.realm, present);
        self.call(arguments.map_err(Failure::Unanswered)?).await
    }

    async fn entry(&self, principal: &Principal) -> Result<PrincipalEntry, Failure> {
        match self.call(Arguments::GetPrincipal { principal: principal.clone(), mask: shown_mask() }).await? {
            Results::Principal(entry) => Ok(*entry),
            other => Err(Failure::Unanswered(anyhow::anyhow!("the server answers another question: {other:?}"))),
        }
    }

    async fn call(&self, arguments: Arguments) -> Result<Results, Failure> {
        let response = self.connection.lock().await.call(arguments).await;
        let response = response.map_err(|_| Failure::Unanswered(anyhow::anyhow!(NO_SERVER)))?;
        response.outcome.map_err(refusal)
    }

    fn name(&self, text: &str) -> Result<Principal, Failure> {
        Principal::parse(text, &self.realm).map_err(|error| Failure::Unanswered(error.into()))
    }
}
