//! R20: what is agreed to is what comes of it, rules and machines too.

use keyroll::roll::policy::Policy;

use super::second::{GRAVE, approval, code, waiting};
use super::*;

fn given(ticket_life: Option<u64>, margin: Option<u64>) -> Option<said::Policy> {
    Some(said::Policy {
        ticket_life,
        margin,
        ..said::Policy::default()
    })
}

#[tokio::test]
async fn r20_rules_by_which_old_keys_go_earlier_are_as_grave_as_an_emergency() {
    for (grave, waits) in [(&GRAVE[..1], true), (&GRAVE[1..], false)] {
        let grave = grave.iter().copied().collect();
        let (_site, service) = furnished(StandIn::of_two_persons(grave));
        let set = async |policy| {
            let request = said::SetPolicyRequest {
                array: "own".to_owned(),
                policy,
                dry_run: false,
            };
            code(service.set_policy(from("anna", request)).await) == "second-person"
        };
        assert!(!set(given(None, Some(7200))).await, "a longer one");
        assert_eq!(set(given(None, Some(60))).await, waits);
        assert_eq!(set(given(Some(0), None)).await, waits);
        // As long as before, and yet those that live longer are not waited for any more.
        let same = Policy::default().ticket_life.as_secs();
        assert_eq!(set(given(Some(same), Some(60))).await, waits);
        let create = said::CreateArrayRequest {
            array: "new".to_owned(),
            account: "svc".to_owned(),
            policy: given(None, Some(60)),
            ..Default::default()
        };
        let told = code(service.create_array(from("alma", create)).await);
        assert_eq!(told == "second-person", waits, "{told}");
        let adopt = said::AdoptArrayRequest {
            array: "new".to_owned(),
            account: "svc".to_owned(),
            policy: given(Some(0), None),
            ..Default::default()
        };
        let told = code(service.adopt_array(from("alma", adopt)).await);
        assert_eq!(told == "second-person", waits, "{told}");
    }
}

#[tokio::test]
async fn whoever_agrees_to_rules_sees_how_long_an_old_key_stays() {
    let (_site, service) = furnished(StandIn::of_two_persons(GRAVE.into()));
    let request = said::SetPolicyRequest {
        array: "own".to_owned(),
        policy: given(Some(0), None),
        dry_run: false,
    };
    service.set_policy(from("anna", request)).await.unwrap_err();
    let plan = &waiting(&service).await[0].plan;
    let said = "an old key stays for 30 min after a roll instead of 10 h 30 min, though tickets be \
                seen that live longer";
    assert_eq!(*plan, [said]);
}

#[tokio::test]
async fn r20_leave_for_a_password_is_agreed_to_for_one_machine() {
    let (site, service) = furnished(StandIn::of_two_persons(GRAVE.into()));
    site.node("n1", NodeState::Joined, &["own"]);
    let ask = async || {
        let request = said::AllowPasswordRequest {
            array: "own".to_owned(),
            node: "n1".to_owned(),
            purpose: "logon-session".to_owned(),
            forbid: false,
            dry_run: false,
        };
        code(service.allow_password(from("anna", request)).await)
    };
    assert_eq!(ask().await, "second-person");
    let plan = waiting(&service).await[0].plan.join(", ");
    assert!(plan.contains("n1 as it joined"), "{plan}");
    let agree = from("alma", approval(1));
    service.give_approval(agree).await.unwrap();
    // It was removed, and something else joined under its name.
    let store = &site.controller.ports.store;
    let rejoined: Result<_, StoreError> = store
        .write(|change| change.edit_node(&"n1".parse().unwrap(), |node| node.joined_unix += 60));
    rejoined.unwrap();
    assert_eq!(ask().await, "second-person");
    assert_eq!(waiting(&service).await[0].number, 2);
}
