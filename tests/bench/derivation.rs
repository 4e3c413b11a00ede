//! string-to-key, against OpenSSL's PBKDF2, which is nearly all of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::string_to_key;
use keyroll::secret::Password;
use keyroll_tests::lab::output;

use crate::table::{Row, in_turns, timed};

const PASSWORD: &str = "a password of sixty-four characters, as a roll makes them, or so.";
const SALT: &str = "CORP.EXAMPLEhostweb.corp.example";
const ITERATIONS: u32 = 4096;
/// Derivations in one measurement, so that starting a program counts for nothing: it times itself.
const EACH: u32 = 50;
const TIMES: usize = 15;

/// Needs a C compiler and OpenSSL's headers; without them there is nothing to compare with.
pub fn measure(folder: &Path) -> Result<Vec<Row>> {
    let (password, salt) = (Password::new(PASSWORD.into()), Salt::new(SALT.to_owned()));
    let ours = |_| {
        let all = timed(|| {
            for _ in 0..EACH {
                string_to_key(Enctype::Aes256CtsHmacSha1, &password, &salt, ITERATIONS)?;
            }
            Ok(())
        });
        all.map(|all| all / EACH)
    };
    let openssl = program(folder)?;
    let theirs = |_| {
        let said = output(&mut Command::new(&openssl))?;
        let nanos: u64 = said.trim().parse().context("what OpenSSL's program said")?;
        Ok(Duration::from_nanos(nanos) / EACH)
    };
    let (ours, theirs) = in_turns(TIMES, ours, theirs)?;
    let theirs = ("OpenSSL's PKCS5_PBKDF2_HMAC alone", theirs);
    let what = "string-to-key, aes256-cts-hmac-sha1-96, 4096 iterations";
    Ok(vec![Row::ratio(what, ours, theirs, 1.1)])
}

fn program(folder: &Path) -> Result<std::path::PathBuf> {
    let (source, program) = (folder.join("pbkdf2.c"), folder.join("pbkdf2"));
    let (salt, iterations) = (SALT, ITERATIONS);
    let text = format!(
        r#"#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
int main(void) {{
  const char *password = "{PASSWORD}", *salt = "{salt}";
  unsigned char key[32];
  struct timespec a, b;
  PKCS5_PBKDF2_HMAC_SHA1(password, 1, (const void *)salt, 1, 1, 32, key);
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < {EACH}; i++)
    if (!PKCS5_PBKDF2_HMAC_SHA1(password, strlen(password), (const void *)salt, strlen(salt),
                                {iterations}, 32, key)) return 1;
  clock_gettime(CLOCK_MONOTONIC, &b);
  printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + (b.tv_nsec - a.tv_nsec));
}}
"#
    );
    fs::write(&source, text)?;
    let mut compiler = Command::new("cc");
    compiler.arg("-O2").arg(&source).arg("-o").arg(&program);
    output(compiler.arg("-lcrypto")).context("the program to compare with")?;
    Ok(program)
}
