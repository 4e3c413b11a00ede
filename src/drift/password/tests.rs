use std::time::Duration;

use super::*;
use crate::drift::held::Kept;
use crate::kerberos::Kvno;
use crate::roll::GenerationNumber;

fn issue(generation: u64, kvno: u32) -> Issue {
    Issue {
        generation: GenerationNumber(generation),
        kvno: Kvno(kvno),
    }
}

fn standing(current: Issue, kept: &[Issue]) -> Standing {
    let left = Duration::from_secs(9);
    Standing {
        current,
        kept: kept.iter().map(|&issue| Kept { issue, left }).collect(),
    }
}

struct Scene {
    before: Standing,
    after: Standing,
    seen: Vec<Sight>,
    culprits: Vec<Culprit>,
    remedy: Remedy,
}

impl Scene {
    /// Generation 5, kvno 6, is in force, and these are seen.
    fn of(seen: &[Sight]) -> Self {
        let now = standing(issue(5, 6), &[]);
        Self {
            before: now.clone(),
            after: now,
            seen: seen.to_vec(),
            culprits: Vec::new(),
            remedy: Remedy::Alarm,
        }
    }

    #[track_caller]
    fn says(&self, code: &str, judgement: Judgement, words: &[&str]) {
        let dc = |(at, sight): (usize, &Sight)| {
            let name = format!("dc{}.corp.example", at + 1);
            (name.parse().unwrap(), *sight)
        };
        let seen = self.seen.iter().enumerate().map(dc).collect();
        let look = Look {
            array: &"web".parse().unwrap(),
            account: "svc-web$",
            before: &self.before,
            after: &self.after,
            seen: &seen,
            culprits: &self.culprits,
            remedy: self.remedy,
        };
        let [change] = &told(&look)[..] else {
            panic!("{:?}", told(&look));
        };
        assert_eq!((change.code, change.judgement), (code, judgement));
        assert!(!change.what.is_empty() && !change.consequence.is_empty());
        let has_passed = code == "password-set-again";
        assert_eq!(change.next.is_empty(), has_passed, "{change:?}");
        let of_enctypes = code == "enctype-foreign";
        let attribute = if of_enctypes {
            Attribute::Enctypes
        } else {
            Attribute::Password
        };
        assert_eq!(change.attribute, Some(attribute));
        let text = format!("{} {} {}", change.object, change.sentence(), change.next);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text}");
        }
    }
}

#[test]
fn a_foreign_password_names_where_who_and_what_next() {
    let mut scene = Scene::of(&[Sight::Foreign(Kvno(7)), Sight::Foreign(Kvno(7))]);
    let both = "dc1.corp.example, dc2.corp.example (kvno 7)";
    let next = "keyroll roll web --emergency";
    let words = [
        "svc-web$",
        both,
        "somebody set the password",
        "at no node",
        next,
    ];
    scene.says("key-foreign", Judgement::Critical, &words);
    scene.culprits.push(Culprit {
        node: "node2".parse().unwrap(),
        path: "/etc/krb5.keytab".to_owned(),
    });
    scene.remedy = Remedy::Roll;
    let words = [
        "node2 has the new key in /etc/krb5.keytab",
        "SSSD",
        "a healing roll begins",
    ];
    scene.says("key-foreign", Judgement::Critical, &words);
    scene.remedy = Remedy::Stop;
    scene.says("key-foreign", Judgement::Critical, &["in turns"]);
}

#[test]
fn a_domain_controller_that_differs_is_named() {
    let current = Sight::Known(issue(5, 6));
    let old = issue(4, 5);
    let mut scene = Scene::of(&[current, Sight::Known(old)]);
    scene.says(
        "dc-kvno-clash",
        Judgement::Critical,
        &["dc2.corp.example", "refuse them"],
    );
    scene.after = standing(issue(5, 6), &[old]);
    let words = [
        "dc2.corp.example",
        "generation 4 (kvno 5)",
        "in force is generation 5 (kvno 6)",
    ];
    scene.says("dc-behind", Judgement::StopsRolls, &words);
    Scene::of(&[current, Sight::Burned(old)]).says(
        "key-burned",
        Judgement::Critical,
        &[
            "dc2.corp.example",
            "an emergency roll replaced",
            "not given that key",
        ],
    );
    Scene::of(&[Sight::OtherEnctype(23), current]).says(
        "enctype-foreign",
        Judgement::Critical,
        &["dc1.corp.example are of enctype 23"],
    );
}

#[test]
fn a_password_that_came_back_is_in_force_and_to_be_rolled() {
    let restored = Sight::Known(issue(4, 100_005));
    let mut scene = Scene::of(&[restored, restored]);
    scene.after = standing(issue(4, 100_005), &[issue(5, 6)]);
    let words = ["generation 4 (kvno 100005)", "restored", "keyroll roll web"];
    scene.says("password-returned", Judgement::NeedsRoll, &words);
    let again = Sight::Known(issue(5, 7));
    let mut scene = Scene::of(&[again, again]);
    scene.after = standing(issue(5, 7), &[issue(5, 6)]);
    scene.says("password-set-again", Judgement::Repaired, &["kvno 6 → 7"]);
}

#[test]
fn what_halts_a_roll_names_the_dc_and_the_way_out() {
    let (array, dc) = ("web".parse().unwrap(), "dc1".parse().unwrap());
    let change = halting(&array, "svc-web$", &dc, Kvno(9));
    assert_eq!(
        (change.code, change.object.as_str(), change.judgement),
        ("key-foreign", "svc-web$", Judgement::Critical)
    );
    assert!(change.what.contains("tickets of dc1 (kvno 9)"));
    assert!(change.consequence.contains("the roll is halted"));
    assert!(change.next.contains("keyroll roll resolve web give-up"));
}
