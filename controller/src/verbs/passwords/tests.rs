use keyroll::letter::LetterOpener;
use keyroll::name::NodeName;

use super::*;
use crate::desired::Desired;
use crate::stand_in::{StandIn, in_service};
use crate::store::{NodeRecord, NodeState, Read as _};

fn asked(node: &str, purpose: &str, forbid: bool, dry_run: bool) -> said::AllowPasswordRequest {
    said::AllowPasswordRequest {
        array: "web".to_owned(),
        node: node.to_owned(),
        purpose: purpose.to_owned(),
        forbid,
        dry_run,
    }
}

fn row(site: &StandIn) -> NodeRecord {
    let n1: NodeName = "n1".parse().unwrap();
    site.controller.ports.store.node(&n1).unwrap().unwrap()
}

async fn refusal(site: &StandIn, request: said::AllowPasswordRequest) -> String {
    let refused = site.controller.allow_password(&request).await.unwrap_err();
    tonic::Status::from(refused).message().to_owned()
}

#[tokio::test]
async fn leave_is_given_with_the_node_s_own_key_or_not_at_all() {
    let site = StandIn::new();
    in_service(&site, &["n1"]);
    let refused = refusal(&site, asked("n1", "fun", false, false)).await;
    assert!(
        refused.contains("\"fun\" is no use of a password"),
        "{refused}"
    );
    let refused = refusal(&site, asked("n9", "logon-session", false, false)).await;
    assert!(refused.contains("n9 is no node of web"), "{refused}");
    let dry = asked("n1", "logon-session", false, true);
    let told = site.controller.allow_password(&dry).await.unwrap();
    assert!(told.dry_run && told.done[0].contains("is sent to n1 for logon-session"));
    assert_eq!(told.done.len(), 1);
    // Whoever gives leave hears where logins are lost all the same.
    for (purpose, until) in [("service-logon", "restarted"), ("iis-pool", "recycled")] {
        let dry = asked("n1", purpose, false, true);
        let told = site.controller.allow_password(&dry).await.unwrap();
        let gap = told.done.get(1).map_or("", String::as_str);
        // Before the new process, and after it.
        for half in [
            format!("refuses new tickets from the write of a roll until it is {until}"),
            "from then on those of before the roll until they die".to_owned(),
        ] {
            assert!(gap.contains(&half), "{gap}");
        }
        assert!(gap.contains("logon-session"), "{gap}");
    }
    // Nobody answers there, so there is no key to seal to.
    refusal(&site, asked("n1", "logon-session", false, false)).await;
    assert!(row(&site).passwords.is_empty());
}

#[tokio::test]
async fn leave_is_taken_back_and_goes_with_the_node() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let refused = refusal(&site, asked("n1", "logon-session", true, false)).await;
    assert!(refused.contains("is not sent to n1"), "{refused}");
    let leave = PasswordLeave {
        uses: [PasswordUse::LogonSession].into(),
        key: LetterOpener::of([1; 32]).key(),
    };
    let give = |node: &mut NodeRecord| {
        node.passwords.insert(array.name.clone(), leave.clone());
    };
    let n1 = row(&site).name;
    site.controller.edit(&n1, give).unwrap();
    // What is on the disk is what was given.
    assert_eq!(row(&site).passwords[&array.name], leave);
    let view = site.controller.node_view(&array, &row(&site));
    assert_eq!(view.password_uses, ["logon-session"]);
    let forbid = |dry_run| asked("n1", "logon-session", true, dry_run);
    site.controller.allow_password(&forbid(true)).await.unwrap();
    assert!(!row(&site).passwords.is_empty());
    site.controller
        .allow_password(&forbid(false))
        .await
        .unwrap();
    assert!(row(&site).passwords.is_empty());
    site.controller.edit(&n1, give).unwrap();
    let gone = said::RemoveNodeRequest {
        array: "web".to_owned(),
        node: "n1".to_owned(),
        ..said::RemoveNodeRequest::default()
    };
    site.controller.remove_node(&gone).await.unwrap();
    assert!(row(&site).passwords.is_empty());
}

/// Else another account's password would go there, once an array is called so again.
#[tokio::test]
async fn r20_leave_goes_with_the_array() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let leave = PasswordLeave {
        uses: [PasswordUse::LogonSession].into(),
        key: LetterOpener::of([1; 32]).key(),
    };
    let give = |node: &mut NodeRecord| {
        node.passwords.insert(array.name.clone(), leave.clone());
    };
    site.controller.edit(&row(&site).name, give).unwrap();
    let delete = said::DeleteArrayRequest {
        array: "web".to_owned(),
        ..said::DeleteArrayRequest::default()
    };
    site.controller.delete_array(&delete).await.unwrap();
    let left = row(&site);
    assert!(left.passwords.is_empty() && left.arrays.is_empty());
    assert_eq!(
        left.state,
        NodeState::Joined,
        "it is added to the next one without a token"
    );
}

#[test]
fn what_nodes_shall_hold_knows_the_password_of_its_keys() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let desired = Desired::of(&site.controller.ports, &array).unwrap();
    let [generation] = &desired.keyset.generations[..] else {
        panic!("one generation is in force");
    };
    assert!(!generation.keys.is_empty());
    assert!(generation.origin.as_ref().unwrap().is_of(&generation.keys));
}
