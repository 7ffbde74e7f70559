//! What an AS request asks for, before anybody is looked up.

use crate::checks::names_somebody;
use crate::context::{Context, ErrorReply};
use crate::preauth::req_enc_pa_rep;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{KdcOptions, KdcReqBody, NameType, PaData, Principal, PrincipalName};

/// An AS request whose names make sense.
pub(crate) struct AsRequest {
    pub(crate) padata: Vec<PaData>,
    pub(crate) body: KdcReqBody,
    /// The client as it was asked for, enterprise names resolved.
    pub(crate) client: Principal,
    /// Whether the client accepts another name for itself than the one it asked for: by option, and always where it asks
    /// by an enterprise name, since no principal has such a name.
    pub(crate) canonicalize: bool,
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
        let enterprise = asked.name.name_type == NameType::ENTERPRISE;
        let canonicalize = enterprise || body.options.contains(KdcOptions::CANONICALIZE);
        let client = if enterprise { resolve_enterprise(asked, realm)? } else { asked };
        let to_prove = req_enc_pa_rep::is_asked(&padata).then(|| bytes.to_vec());
        Ok(AsRequest { padata, body, client, canonicalize, server, to_prove })
    }

    /// Whether the request is for a ticket-granting ticket of its realm.
    pub(crate) fn is_for_tgs(&self) -> bool {
        self.server.name.krbtgt_realm() == Some(&self.server.realm)
    }
}

/// Moves the names of the parties from a body to the context.
pub(crate) fn name_parties(body: &mut KdcReqBody, context: &mut Context) {
    let named = |name: Option<PrincipalName>| name.filter(names_somebody).map(|n| Principal::new(n, &*body.realm));
    context.client = named(body.cname.take());
    context.server = named(body.sname.take());
}

/// NT-ENTERPRISE (RFC 6806, section 5): `user@suffix` as one component. A suffix that is our realm (or is mapped to it)
/// names one of our principals, one that is mapped to another realm leads to a client referral.
fn resolve_enterprise(client: Principal, realm: &Realm) -> Result<Principal, ErrorReply> {
    let [text] = client.name.components.as_slice() else { return Err(Refusal::ClientUnknown.into()) };
    let Some((user, suffix)) = text.rsplit_once('@') else { return Ok(client) };
    let home = if suffix.eq_ignore_ascii_case(&realm.name) { Some(&*realm.name) } else { realm.realm_of_host(suffix) };
    match home {
        Some(home) if home == realm.name => Principal::parse(user, &realm.name)
            .ok()
            .filter(|p| p.realm == realm.name)
            .ok_or(ErrorReply::For(Refusal::ClientUnknown)),
        Some(home) => Err(ErrorReply::ClientReferral(home.to_owned())),
        None => Err(Refusal::ClientUnknown.into()),
    }
}
