use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

fn array(name: &str) -> ArrayName {
    name.parse().unwrap()
}

#[test]
fn r12_a_sealed_value_opens_for_its_own_purpose_only() {
    let (web, crm) = (array("web"), array("crm"));
    let seal = Seal::new(&[7; 32]);
    let purpose = |array, number| Purpose::Generation {
        array,
        generation: GenerationNumber(number),
    };
    let sealed = seal.seal(&purpose(&web, 3), b"canary");
    assert_eq!(
        seal.open(&purpose(&web, 3), &sealed).unwrap().expose(),
        b"canary"
    );
    for other in [
        purpose(&web, 4),
        purpose(&crm, 3),
        Purpose::Authority { number: 3 },
    ] {
        assert_eq!(
            seal.open(&other, &sealed).unwrap_err(),
            SealError,
            "{other:?}"
        );
    }
    let stranger = Seal::new(&[8; 32]);
    assert!(stranger.open(&purpose(&web, 3), &sealed).is_err());
    assert_ne!(
        sealed,
        seal.seal(&purpose(&web, 3), b"canary"),
        "a nonce was used twice"
    );
    assert!(!format!("{seal:?}").contains('7'));
}

proptest! {
    #[test]
    fn any_change_is_noticed(plain: Vec<u8>, at: usize, bit in 0_u8..8, cut: usize) {
        let seal = Seal::new(&[9; 32]);
        let purpose = Purpose::Authority { number: 1 };
        let sealed = seal.seal(&purpose, &plain);
        let back = seal.open(&purpose, &sealed).unwrap();
        prop_assert_eq!(back.expose(), plain.as_slice());
        let mut flipped = sealed.clone();
        flipped[at % sealed.len()] ^= 1 << bit;
        prop_assert!(seal.open(&purpose, &flipped).is_err());
        prop_assert!(seal.open(&purpose, &sealed[..cut % sealed.len()]).is_err());
    }
}

#[test]
fn the_key_file_is_made_once_and_refused_when_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal-key");
    assert!(matches!(
        Seal::from_file(&path),
        Err(SealKeyError::Absent { .. })
    ));
    let made = Seal::create(&path).unwrap();
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert!(matches!(
        Seal::create(&path),
        Err(SealKeyError::Present { .. })
    ));
    let read = Seal::from_file(&path).unwrap();
    let purpose = Purpose::Authority { number: 1 };
    assert!(read.open(&purpose, &made.seal(&purpose, b"x")).is_ok());

    for wide in [0o640, 0o604, 0o660, 0o777] {
        mode(wide);
        let error = Seal::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 0600"), "{error}");
        assert!(
            Seal::from_credential(&path).is_ok(),
            "systemd's own modes are its affair"
        );
    }
    mode(0o600);
    for length in [0, 31, 33, 4096] {
        std::fs::write(&path, vec![b'c'; length]).unwrap();
        let error = Seal::from_file(&path).unwrap_err().to_string();
        assert!(
            error.contains("not 32") && !error.contains("ccc"),
            "{error}"
        );
    }
    assert!(matches!(
        Seal::from_file(folder.path()),
        Err(SealKeyError::Io { .. })
    ));
}
