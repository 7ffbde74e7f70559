//! What an AS request asks for, before anybody is looked up.

use crate::checks::names_somebody;
use crate::context::{Context, ErrorReply};
use crate::enterprise::{self, ClientName};
use crate::preauth::req_enc_pa_rep;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{KdcOptions, KdcReqBody, PaData, Principal, PrincipalName};

/// An AS request whose names make sense.
pub(crate) struct AsRequest {
    pub(crate) padata: Vec<PaData>,
    pub(crate) body: KdcReqBody,
    /// The client as it was asked for, enterprise names resolved.
    pub(crate) client: Principal,
    /// The name that the client asked by, which its ticket bears unless the client accepts its canonical name.
    asked: Principal,
    /// The server as it was asked for.
    pub(crate) server: Principal,
    /// The request as it came, where the reply must prove that (RFC 6806, section 11).
    pub(crate) to_prove: Option<Vec<u8>>,
}

/// Options that only a TGS request can have.
const TGS_OPTIONS: KdcOptions = KdcOptions::FORWARDED
    .union(KdcOptions::PROXY)
    .union(KdcOptions::RENEW)
    .union(KdcOptions::VALIDATE)
    .union(KdcOptions::ENC_TKT_IN_SKEY)
    .union(KdcOptions::CNAME_IN_ADDL_TKT);

impl AsRequest {
    /// Checks what can be checked without the store. `bytes` is the whole request as it came.
    pub(crate) fn new(
        padata: Vec<PaData>,
        mut body: KdcReqBody,
        bytes: &[u8],
        rules: &Rules,
        context: &mut Context,
    ) -> Result<AsRequest, ErrorReply> {
        let realm = &rules.realm;
        name_parties(&mut body, context);
        if body.realm != realm.name {
            return Err(Refusal::WrongRealm.into());
        }
        let asked = context.client.clone().ok_or(Refusal::ClientMissing)?;
        let server = context.server.clone().ok_or(Refusal::ServerMissing)?;
        if body.options.intersects(TGS_OPTIONS) {
            return Err(Refusal::OptionNotInAs.into());
        }
        if body.options.contains(KdcOptions::REQUEST_ANONYMOUS) {
            return Err(Refusal::Anonymous.into());
        }
        let client = match enterprise::resolve(&asked, realm) {
            ClientName::Local(client) => client,
            ClientName::Elsewhere(home) => return Err(ErrorReply::ClientReferral(home)),
            ClientName::Unknown => return Err(Refusal::ClientUnknown.into()),
        };
        let to_prove = req_enc_pa_rep::is_asked(&padata).then(|| bytes.to_vec());
        Ok(AsRequest { padata, body, client, asked, server, to_prove })
    }

    /// Whether the request is for a ticket-granting ticket of its realm.
    pub(crate) fn is_for_tgs(&self) -> bool {
        self.server.name.krbtgt_realm() == Some(&self.server.realm)
    }

    /// The name of the client in its ticket: the canonical one where the client asks for that, else the one that it asked by (RFC 6806,
    /// section 6).
    pub(crate) fn client_name<'a>(&'a self, canonical: &'a Principal) -> &'a Principal {
        if self.body.options.contains(KdcOptions::CANONICALIZE) { canonical } else { &self.asked }
    }
}

/// Moves the names of the parties from a body to the context.
pub(crate) fn name_parties(body: &mut KdcReqBody, context: &mut Context) {
    let named = |name: Option<PrincipalName>| name.filter(names_somebody).map(|n| Principal::new(n, &*body.realm));
    context.client = named(body.cname.take());
    context.server = named(body.sname.take());
}
