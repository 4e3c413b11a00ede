use super::*;

struct Told {
    node: NodeName,
    array: ArrayName,
    account: Principal,
    salt: Salt,
    version: u64,
    kvno: u32,
}

impl Told {
    fn new() -> Self {
        Self {
            node: "n1".parse().unwrap(),
            array: "web".parse().unwrap(),
            account: "WEB$@CORP.EXAMPLE".parse().unwrap(),
            salt: Salt::new("CORP.EXAMPLEhostweb.corp.example".to_owned()),
            version: 7,
            kvno: 3,
        }
    }

    fn address(&self) -> Address<'_> {
        Address {
            node: &self.node,
            array: &self.array,
            version: Version(self.version),
            kvno: Kvno(self.kvno),
            purpose: PasswordUse::LogonSession,
            account: &self.account,
            salt: &self.salt,
        }
    }
}

/// What an administrator compares with what `keyroll node show` prints: any tool makes it.
#[test]
fn the_fingerprint_of_a_key_is_its_sha_256() {
    // The base point of X25519: nine, and 31 zeros; by sha256sum.
    let mut base = [0; 32];
    base[0] = 9;
    let key = LetterKey::new(&base).unwrap();
    let expected = "34ec81dbdaf9148567dc4254f93852d34f96e78ddd4bd04c1c8a1641a0883b2b";
    assert_eq!(key.fingerprint(), expected);
}

#[test]
fn a_letter_opens_for_its_address_alone() {
    let password = Password::new("Kümmel-und-Salz".to_owned());
    let opener = LetterOpener::of([1; 32]);
    let letter = seal(&password, &opener.key(), Told::new().address(), [9; 32]).unwrap();
    assert!(
        !letter
            .ciphertext
            .windows(5)
            .any(|part| part == b"Salz!" || part == b"und-S")
    );
    let opened = opener.open(&letter, Told::new().address()).unwrap();
    assert_eq!(opened.expose(), password.expose());
    let changes: [fn(&mut Told); 6] = [
        |told| told.node = "n2".parse().unwrap(),
        |told| told.array = "crm".parse().unwrap(),
        |told| told.account = "CRM$@CORP.EXAMPLE".parse().unwrap(),
        |told| told.salt = Salt::new("other".to_owned()),
        |told| told.version = 8,
        |told| told.kvno = 4,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut told = Told::new();
        change(&mut told);
        let refused = opener.open(&letter, told.address()).unwrap_err();
        assert_eq!(refused, BadLetter::Closed, "change {number}");
    }
}

#[test]
fn a_letter_opens_with_its_key_alone_and_unchanged() {
    let password = Password::new("secret".to_owned());
    let (opener, told) = (LetterOpener::of([1; 32]), Told::new());
    let letter = seal(&password, &opener.key(), told.address(), [9; 32]).unwrap();
    let closed = |opener: &LetterOpener, letter: &Letter| {
        opener.open(letter, told.address()).unwrap_err() == BadLetter::Closed
    };
    assert!(closed(&LetterOpener::of([2; 32]), &letter));
    for place in 0..letter.ciphertext.len() {
        let mut changed = letter.clone();
        changed.ciphertext[place] ^= 1;
        assert!(closed(&opener, &changed), "{place}");
    }
    for length in [0, 31, 33] {
        let mut changed = letter.clone();
        changed.encapsulated.resize(length, 0);
        assert!(closed(&opener, &changed), "{length}");
    }
    let empty = Letter {
        ciphertext: Vec::new(),
        ..letter
    };
    assert!(closed(&opener, &empty));
}

#[test]
fn a_key_is_kept_as_its_seed_and_told_in_hexadecimal() {
    let opener = LetterOpener::of([1; 32]);
    let again = LetterOpener::kept(opener.seed()).unwrap();
    assert_eq!(again.key(), opener.key());
    assert!(LetterOpener::kept(SecretBytes::new(vec![1; 31])).is_err());
    let text = opener.key().to_string();
    assert_eq!(text.parse(), Ok(opener.key()));
    for wrong in [
        "",
        "00",
        &text[1..],
        &text.replace(&text[..1], "x"),
        &format!("{text}00"),
    ] {
        assert_eq!(wrong.parse::<LetterKey>(), Err(BadLetter::Key), "{wrong:?}");
    }
    // A point of small order shares no secret (RFC 9180 section 7.1.4).
    let zero = LetterKey::new(&[0; 32]).unwrap();
    let password = Password::new("secret".to_owned());
    let refused = seal(&password, &zero, Told::new().address(), [9; 32]);
    assert_eq!(refused, Err(BadLetter::Key));
}

/// What the caller draws is what a letter is sealed with: all of it, and nothing else.
#[test]
fn a_letter_is_sealed_with_the_bytes_that_were_drawn() {
    let mut drawn = Drawn(Zeroizing::new(std::array::from_fn(|byte| byte as u8 + 1)));
    assert_eq!(drawn.next_u32(), 0x0403_0201);
    assert_eq!(drawn.next_u64(), 0x0807_0605_0403_0201);
    let mut bytes = [0; 33];
    drawn.fill_bytes(&mut bytes);
    assert_eq!((bytes[31], bytes[32]), (32, 1));
}
