//! What a caller may touch (R3, R8): one function for each kind of object, asked once the object is known to exist. What
//! does not exist is 404 before that; what exists outside of the perimeter is 403.
//!
//! The scope itself was demanded by the handler's signature. Here, ADMIN touches all; an OSL what belongs to the processes
//! that it owns; an SI the cases that are addressed to its own organisation, within the processes of its client.

use super::{Caller, OrganizationId, Refusal, Result, Scope};

/// Where a case (its events, its attachments) stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The organisation that owns the process.
    pub osl: &'a OrganizationId,
    /// The code of the process.
    pub process: &'a str,
    /// The organisation that the case is addressed to.
    pub recipient: &'a OrganizationId,
}

/// A folder: its OSL and ADMIN (R11, R20).
pub fn folder(caller: &Caller, osl: &OrganizationId) -> Result<()> {
    permit(owns(caller, osl))
}

/// A process that a folder is to be made for, or that a subscription names: its OSL and ADMIN.
pub fn process(caller: &Caller, osl: &OrganizationId) -> Result<()> {
    permit(owns(caller, osl))
}

/// A case, one of its events or attachments: its recipient, the OSL of its process, ADMIN (R20).
pub fn case(caller: &Caller, place: &Place<'_>) -> Result<()> {
    permit(owns(caller, place.osl) || receives(caller, place))
}

/// A notification: the organisation that it is for, within its client's processes (R40). ADMIN too.
pub fn notification(caller: &Caller, recipient: &OrganizationId, process: &str) -> Result<()> {
    let mine = caller.organization() == recipient && caller.may_name(process);
    permit(caller.is_admin() || mine)
}

/// A subscription: the OSL of its process and ADMIN (R53).
pub fn subscription(caller: &Caller, osl: &OrganizationId) -> Result<()> {
    permit(owns(caller, osl))
}

/// The move of all cases of `source` to `target` (R24): ADMIN; an SI from its own organisation to another branch of its
/// own SIRET.
pub fn migration(caller: &Caller, source: &OrganizationId, target: &OrganizationId) -> Result<()> {
    let own = caller.scope() == Scope::Si
        && caller.organization() == source
        && source.kind() == target.kind()
        && source.register() == target.register();
    permit(caller.is_admin() || own)
}

/// Whether the caller stands on the recipient's side of a case: ADMIN does not, and acts as the OSL does (R33).
pub fn is_recipient(caller: &Caller, place: &Place<'_>) -> bool {
    receives(caller, place)
}

fn owns(caller: &Caller, osl: &OrganizationId) -> bool {
    caller.is_admin() || (caller.scope() == Scope::Osl && caller.organization() == osl)
}

fn receives(caller: &Caller, place: &Place<'_>) -> bool {
    caller.scope() == Scope::Si
        && caller.organization() == place.recipient
        && caller.may_name(place.process)
}

fn permit(allowed: bool) -> Result<()> {
    match allowed {
        true => Ok(()),
        false => Err(Refusal::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hubee::testing::caller;

    const OSL: &str = "OSL-13002526500013-DILA";
    const SI: &str = "SI-22770001000019-77372";

    fn id(text: &str) -> OrganizationId {
        text.parse().unwrap()
    }

    /// R3, R20: a case is for its recipient, the OSL of its process and ADMIN; a process outside of the client's is not.
    #[test]
    fn a_case_is_for_its_two_sides_and_the_administration() {
        let (osl, si) = (id(OSL), id(SI));
        let place = Place {
            osl: &osl,
            process: "CERTDC",
            recipient: &si,
        };
        for (scope, organization, processes, allowed) in [
            (Scope::Admin, "ADMIN-13002526500013-0", None, true),
            (Scope::Osl, OSL, None, true),
            (Scope::Osl, "OSL-13002526500013-AUTRE", None, false),
            (Scope::Osl, SI, None, false),
            (Scope::Si, SI, Some("CERTDC"), true),
            (Scope::Si, SI, Some("EtatCivil"), false),
            (Scope::Si, "SI-22770001000019-77373", Some("CERTDC"), false),
            (Scope::Si, OSL, Some("CERTDC"), false),
            (Scope::Datapass, SI, None, false),
        ] {
            let caller = caller(scope, organization, processes);
            assert_eq!(
                case(&caller, &place).is_ok(),
                allowed,
                "{scope} {organization} {processes:?}"
            );
        }
    }

    /// R24: an SI moves its own cases, to another branch of its own SIRET and nowhere else.
    #[test]
    fn an_si_moves_cases_only_within_its_own_siret() {
        let si = caller(Scope::Si, SI, Some("CERTDC"));
        let elsewhere = id("SI-13002526500013-77372");
        assert!(migration(&si, &id(SI), &id("SI-22770001000019-1")).is_ok());
        assert!(migration(&si, &id(SI), &elsewhere).is_err());
        assert!(migration(&si, &id(SI), &id("OSL-22770001000019-1")).is_err());
        assert!(migration(&si, &id("SI-22770001000019-1"), &id(SI)).is_err());
        let admin = caller(Scope::Admin, "ADMIN-13002526500013-0", None);
        assert!(migration(&admin, &id(SI), &elsewhere).is_ok());
    }

    /// R11, R53: folders and subscriptions belong to the OSL of their process.
    #[test]
    fn an_osl_owns_nothing_of_another_one() {
        let (mine, other) = (id(OSL), id("OSL-13002526500013-AUTRE"));
        let osl = caller(Scope::Osl, OSL, None);
        assert!(folder(&osl, &mine).is_ok() && folder(&osl, &other).is_err());
        assert!(subscription(&osl, &mine).is_ok() && subscription(&osl, &other).is_err());
        let si = caller(Scope::Si, OSL, None);
        assert!(folder(&si, &mine).is_err());
    }
}
